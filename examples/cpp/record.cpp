// Records some jobs, reads the log, runs it again, and prints whether they came out the same.
//
//     record run.log
//
// The log is a new one, or goes on if it is there: the last run of it counts. Without a path it is
// in a temporary folder, and is removed.
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <rota/rota.hpp>
#include <stdlib.h>
#include <string>
#include <vector>

namespace {

void record_jobs(const std::string &log) {
    rota::runtime_options options;
    // The data too, so that the log is all that is needed.
    options.recorder = {log, rota::capture::full, 4 << 20};
    const auto runtime = rota::runtime::open(options).value();
    const auto tenant = runtime.create_tenant().value();

    std::vector<std::uint32_t> words(1000);
    std::iota(words.begin(), words.end(), 0u);
    const auto buffer = tenant.create_buffer_of(words).value();
    for (std::size_t i = 1; i <= 4; i++)
        tenant.run(rota::jobs::sum_u32(buffer.part(0, words.size() / i))).value();

    runtime.recorder_sync().value(); // from here on not even a power cut takes them
} // closes the log

void read_log(const std::string &path) {
    auto log = rota::recording::open(path, rota::reading::salvage).value();
    for (auto &read : log) {
        const rota::record &record = read.value();
        std::printf("%6" PRIu64 "  %s", record.seq, rota::name(record.what()));
        if (record.what() == rota::record_kind::job)
            std::printf(", opcode %#x", record.job.opcode);
        else if (record.what() == rota::record_kind::completion)
            std::printf(", %s, results %u", rota::name(record.completed_as().outcome()),
                        record.completion.results[0]);
        else if (record.event != 0)
            std::printf(", %s", record.event_name());
        std::printf("\n");
    }
}

bool run_again(const std::string &log) {
    rota::replay_options options;
    options.path = log;
    const auto report = rota::replay::run(options).value().report().value();
    std::printf("%s: %" PRIu64 " of %" PRIu64 " jobs came out the same on %s\n",
                rota::name(report.how()), report.same, report.jobs, report.device);
    return report.how() == rota::replay_outcome::same;
}

bool all_of_it(const std::string &log) {
    record_jobs(log);
    read_log(log);
    return run_again(log);
}

} // namespace

int main(int argc, char **argv) {
    if (argc == 2)
        return all_of_it(argv[1]) ? 0 : 1;
    std::string folder = std::filesystem::temp_directory_path() / "rota-record-XXXXXX";
    if (argc != 1 || mkdtemp(folder.data()) == nullptr) {
        std::fprintf(stderr, "record: give the path of a log\n");
        return 2;
    }
    const bool same = all_of_it(folder + "/run.log");
    std::filesystem::remove_all(folder);
    return same ? 0 : 1;
}
