// Logs that can't be recorded into, read or run again: each has its status. A damaged cell is
// named, and costs its record only. Recordings and replays that were moved from are none.
#include "recordings.hpp"

#include <optional>

#if ROTA_HPP_SPAN
#include <iterator>
static_assert(std::input_iterator<rota::recording::iterator>);
#endif

namespace {

// The number of a job's record.
std::uint64_t record(const std::string &log) {
    still_works(create_tenant(MUST(rota::runtime::open(recorded(log)))));
    std::uint64_t job = 0;
    auto reader = MUST(rota::recording::open(log));
    for (auto &read : reader)
        if (MUST(std::move(read)).what() == rota::record_kind::job)
            job = read->seq;
    CHECK(job > 1);
    return job;
}

void refused(const std::string &log, rota::status why, const char *saying) {
    FAILS(rota::runtime::open(recorded(log)), why, saying);
    FAILS(rota::recording::open(log), why, saying);
    FAILS(rota::replay::run(replay_of(log)), why, saying);
}

void bad_files(const folder &in, const std::string &good) {
    refused(in / ".", rota::status::not_a_log, "a folder");
    write_file(in / "other", "another program's");
    refused(in / "other", rota::status::not_a_log, "not a log");
    write_file(in / "empty", "");
    refused(in / "empty", rota::status::log_damaged, "empty");
    auto newer = good;
    for (const std::size_t page : {0u, 4096u}) {
        newer[page + 8]++;
        seal(newer, page, 4092, page + 4092);
    }
    write_file(in / "newer", newer);
    refused(in / "newer", rota::status::log_too_new, "version 2");
    FAILS(rota::recording::open(in / "none"), rota::status::io_error, "no such log");
    FAILS(rota::replay::run(replay_of(in / "none")), rota::status::io_error, "no such log");

    write_file(in / "cut", good.substr(0, good.size() / 2));
    FAILS(rota::recording::open(in / "cut"), rota::status::log_damaged, "cut");
    auto cut = MUST(rota::recording::open(in / "cut", rota::reading::salvage));
    EQUAL(MUST(cut.info()).cut_to, good.size() / 2);
    CHECK(MUST(cut.next()).what() == rota::record_kind::run_start);

    // So small that the beginning of the run is overwritten.
    const auto small = in / "small";
    auto options = test_options();
    options.recorder = {small, rota::capture::jobs, 64 << 10};
    {
        const auto tenant = create_tenant(MUST(rota::runtime::open(options)));
        for (int i = 0; i < 512; i++)
            still_works(tenant);
    }
    FAILS(rota::replay::run(replay_of(small)), rota::status::not_replayable, "capacity");
    options.recorder->start_over = true;
    const auto again = MUST(rota::runtime::open(options));
    EQUAL(MUST(again.recorder_state()).run, 1);
}

void bad_options(const folder &in) {
    const auto log = in / "never";
    const auto fails = [&](auto change, const char *saying) {
        auto options = recorded(log);
        change(*options.recorder);
        FAILS(rota::runtime::open(options), rota::status::invalid_argument, saying);
    };
    fails([](auto &recorder) { recorder.path = {}; }, "path");
    fails([](auto &recorder) { recorder.capture = rota::capture(3); }, "capture");
    fails([](auto &recorder) { recorder.capacity_bytes = (4 << 20) - 1; }, "at least 4 MiB");
    fails([](auto &recorder) { recorder.stage_dir = "\xff"; }, "stage_dir");
    CHECK(!std::filesystem::exists(log));

    auto all = recorded(log);
    all.recorder->allow_gaps = all.recorder->stop_on_error = true;
    all.recorder->object_bytes = 1 << 20;
    all.recorder->sync_interval = std::chrono::milliseconds(1);
    all.recorder->sync_records = 1;
    const auto stage = in / "stage";
    CHECK(std::filesystem::create_directory(stage));
    all.recorder->stage_dir = stage;
    const auto runtime = MUST(rota::runtime::open(all));
    still_works(create_tenant(runtime));
    CHECK(!std::filesystem::is_empty(stage)); // what waits for the disk

    FAILS(rota::recording::open({}), rota::status::invalid_argument, "path");
    FAILS(rota::recording::open(log, rota::reading(2)), rota::status::invalid_argument, "flags");
    auto replayed = replay_of(log);
    replayed.run = 1;
    FAILS(rota::replay::run(replayed), rota::status::invalid_argument, "run");
    replayed = replay_of(log);
    replayed.runtime.mode = rota::mode(9);
    FAILS(rota::replay::run(replayed), rota::status::invalid_argument, "9");
}

void damaged_cell(const std::string &log, std::string bytes, std::uint64_t job) {
    bytes[cell_of(job) + 50] ^= 4;
    write_file(log, bytes);
    const auto number = "cell " + std::to_string(job);

    auto strict = MUST(rota::recording::open(log));
    bool damaged = false;
    for (auto &read : strict) {
        CHECK(!damaged); // the error was the last
        damaged = !read;
        if (damaged)
            FAILS(read, rota::status::log_damaged, number.c_str());
        else
            CHECK(read->seq < job);
    }
    CHECK(damaged);
    CHECK(MUST(strict.next()).what() == rota::record_kind::end);
    MUST(strict.seek(job));
    FAILS(strict.next(), rota::status::log_damaged, number.c_str());
    MUST(strict.seek(job + 1));
    CHECK(MUST(strict.next()).what() == rota::record_kind::completion);

    auto salvage = MUST(rota::recording::open(log, rota::reading::salvage));
    int missing = 0;
    for (auto &read : salvage) {
        const auto record = MUST(std::move(read));
        if (record.what() != rota::record_kind::missing)
            continue;
        missing++;
        EQUAL(record.seq, job);
        EQUAL(record.cells, 1);
        CHECK(record.as<rota::missing_event>() == rota::missing_event::corrupt);
    }
    EQUAL(missing, 1);
    EQUAL(MUST(salvage.info()).corrupt, 1);
}

void moved(const std::string &log) {
    constexpr auto none = rota::status::null_pointer;
    auto first = MUST(rota::recording::open(log));
    auto start = first.next();
    CHECK(start && start->field_count > 0);
    auto now = std::move(first);
    CHECK(now && !first && first.native() == nullptr);
    EQUAL(MUST(now.fields()).size(), start->field_count);
    FAILS(first.next(), none, "");
    FAILS(first.info(), none, "");
    FAILS(first.field(0), none, "");
    FAILS(first.seek(0), none, "");
    FAILS(first.object({}), none, "");
    CHECK(MUST(first.fields()).empty());
    int errors = 0;
    for (auto &read : first) {
        errors++;
        FAILS(read, none, "");
    }
    EQUAL(errors, 1);
    now = MUST(rota::recording::open(log)); // the one before is freed
    auto *const same = &now;                // a self-move changes nothing
    now = std::move(*same);
    CHECK(MUST(now.next()).what() == rota::record_kind::run_start);

    auto replay = MUST(rota::replay::run(replay_of(log)));
    const auto kept = std::move(replay);
    CHECK(kept && !replay && replay.native() == nullptr);
    CHECK(MUST(kept.report()).how() == rota::replay_outcome::same);
    FAILS(replay.report(), none, "");
    FAILS(replay.before(), none, "");
    FAILS(replay.counts(), none, "");
    replay = rota::replay();
}

void names() {
    const auto is = [](const char *one, const char *other) { return std::strcmp(one, other) == 0; };
    CHECK(is(rota::name(rota::record_kind::void_cell), "ROTA_RECORD_VOID"));
    CHECK(is(rota::name(rota::tenant_event::destroyed), "ROTA_EVENT_TENANT_DESTROYED"));
    CHECK(is(rota::name(rota::module_event::granted), "ROTA_EVENT_MODULE_GRANTED"));
    CHECK(is(rota::name(rota::buffer_event::taken_back), "ROTA_EVENT_BUFFER_TAKEN_BACK"));
    CHECK(is(rota::name(rota::evidence::device_loss), "ROTA_EVIDENCE_DEVICE_LOSS"));
    CHECK(is(rota::name(rota::gap_event::crash), "ROTA_EVENT_GAP_CRASH"));
    CHECK(is(rota::name(rota::void_event::dropped), "ROTA_EVENT_VOID_DROPPED"));
    CHECK(is(rota::name(rota::missing_event::stale), "ROTA_EVENT_MISSING_STALE"));
    CHECK(is(rota::name(rota::replay_outcome::different), "ROTA_REPLAY_DIFFERENT"));
    CHECK(is(rota::name(rota::status::not_replayable), "ROTA_STATUS_NOT_REPLAYABLE"));
}

} // namespace

int main() {
    const folder in;
    const auto log = in / "log";
    const auto job = record(log);
    moved(log);
    const auto good = read_file(log);
    bad_files(in, good);
    bad_options(in);
    damaged_cell(log, good, job);
    names();
    return 0;
}
