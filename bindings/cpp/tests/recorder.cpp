// A runtime that records: its options, state and evidence; each job and completion is read back as
// it was; and the log is run again, which comes out the same, and differently where it says
// something else.
#include "recordings.hpp"

#include <array>
#include <optional>

namespace {

constexpr std::size_t jobs_sent = 4;

std::array<rota_job, jobs_sent> jobs;
std::array<rota::ticket, jobs_sent> tickets;
std::array<rota::completion, jobs_sent> taken;
std::vector<std::uint32_t> words(1000);
std::uint64_t tenant_id = 0;
rota_buffer buffer_id = 0;
constexpr std::string_view evidence("the watch\0dog bit", 17);

bool same_bytes(const void *one, const void *other, std::size_t n) {
    return std::memcmp(one, other, n) == 0;
}

void record(const std::string &log) {
    const auto runtime = MUST(rota::runtime::open(recorded(log)));
    rota::tenant_options options;
    options.label = "the first";
    options.slots = 64;
    const auto tenant = MUST(runtime.create_tenant(options));
    tenant_id = MUST(tenant.id());
    for (std::size_t i = 0; i < words.size(); i++)
        words[i] = static_cast<std::uint32_t>(i * 7);
    const auto buffer = MUST(tenant.create_buffer_of(words));
    buffer_id = buffer.id();
    MUST(buffer.fill_bytes(0xab, 4, 8));

    jobs[0] = rota::jobs::nop(20, 22);
    jobs[1] = rota::jobs::fill(buffer.part(0, 100), 5u);
    jobs[2] = rota::jobs::sum_u32(buffer);
    jobs[3] = rota::job(ROTA_OP_FILL).arg(0).arg(0).arg(4).arg(4); // faults
    for (std::size_t i = 0; i < jobs_sent; i++) {
        jobs[i].flags = ROTA_JOB_TIMING;
        jobs[i].user_data = 1000 + i;
        tickets[i] = MUST(tenant.submit(jobs[i]));
        taken[i] = MUST(tenant.wait(tickets[i]));
        CHECK(taken[i].ok() == (i != 3));
    }
    CHECK(taken[1].digest != 0); // a recorder brings digests along

    MUST(runtime.recorder_note(tenant, tickets[3], rota::evidence::program_bug, -4, evidence));
    MUST(runtime.recorder_note(rota::evidence::transient));
    FAILS(runtime.recorder_note(rota::evidence(9)), rota::status::invalid_argument, "9");
    FAILS(runtime.recorder_note({}, 0, rota::evidence::transient), rota::status::null_pointer,
          "none");

    CHECK(MUST(runtime.recorder_path()) == log);
    const auto before = MUST(runtime.recorder_state());
    EQUAL(before.capacity_bytes, log_bytes);
    EQUAL(before.run, 1);
    EQUAL(before.failed + before.lost + before.refused + before.existed, 0);
    CHECK(before.next_seq > 2 * jobs_sent && before.objects > 0);
    const auto durable = MUST(runtime.recorder_sync());
    CHECK(durable >= before.next_seq);
    CHECK(MUST(runtime.recorder_state()).durable_seq >= durable);

    // It can be read while it is recorded into, but nobody else can record into it.
    auto reader = MUST(rota::recording::open(log));
    CHECK(MUST(reader.next()).what() == rota::record_kind::run_start);
    EQUAL(MUST(reader.info()).clean, 0);
    FAILS(rota::runtime::open(recorded(log)), rota::status::log_in_use, log.c_str());
}

void check_buffer(const rota::recording &log, const rota::record &record) {
    EQUAL(record.buffer, buffer_id);
    CHECK(!record.as<rota::tenant_event>());
    switch (*record.as<rota::buffer_event>()) {
    case rota::buffer_event::created:
        EQUAL(record.length, words.size() * 4);
        break;
    case rota::buffer_event::written: {
        CHECK(std::strcmp(record.event_name(), "ROTA_EVENT_BUFFER_WRITTEN") == 0);
        EQUAL(record.has_hash, 1);
        const auto kept = MUST(log.object<std::uint32_t>(record.hash));
        EQUAL(kept.size(), words.size());
        CHECK(same_bytes(kept.data(), words.data(), words.size() * 4));
        EQUAL(MUST(log.object(record.hash)).size(), words.size() * 4);
        struct three {
            char bytes[3];
        };
        FAILS(log.object<three>(record.hash), rota::status::invalid_argument, "multiple");
        break;
    }
    case rota::buffer_event::filled:
        EQUAL(record.offset, 16);
        EQUAL(record.length, 32);
        EQUAL(record.value, 0xab);
        FAILS(log.object(record.hash), rota::status::data_missing, ""); // it has none
        break;
    default:
        CHECK(record.as<rota::buffer_event>() == rota::buffer_event::destroyed);
    }
}

void check_evidence(const rota::record &record, bool first) {
    CHECK(record.as<rota::evidence>() ==
          (first ? rota::evidence::program_bug : rota::evidence::transient));
    EQUAL(record.code, first ? -4 : 0);
    EQUAL(record.tenant, first ? tenant_id : 0);
    EQUAL(record.ticket, first ? tickets[3] : 0);
    EQUAL(record.bytes().size(), first ? evidence.size() : 0);
    CHECK(!first || same_bytes(record.bytes().data(), evidence.data(), evidence.size()));
}

// The number of the record of the sum's completion.
std::uint64_t read_back(const std::string &path, rota::reading how) {
    auto log = MUST(rota::recording::open(path, how));
    std::size_t submitted = 0, completed = 0, noted = 0, runs = 0, tenants = 0, buffers = 0;
    std::uint64_t records = 0, first_job = 0, sum = 0;
    for (auto &read : log) {
        const rota::record &record = MUST(std::move(read));
        records++;
        switch (record.what()) {
        case rota::record_kind::run_start: {
            runs++;
            CHECK(MUST(log.value_of("capture")) == "full");
            const auto all = MUST(log.fields());
            EQUAL(all.size(), record.field_count);
            CHECK(all[0].name == MUST(log.field(0)).name);
            FAILS(log.field(all.size()), rota::status::out_of_range, "");
            FAILS(log.value_of("no such"), rota::status::out_of_range, "name");
            break;
        }
        case rota::record_kind::tenant:
            if (record.said() != "the first")
                break; // the runtime's own
            EQUAL(record.tenant, tenant_id);
            if (record.as<rota::tenant_event>() == rota::tenant_event::created)
                CHECK(MUST(log.value_of("slots")) == "64");
            tenants++;
            break;
        case rota::record_kind::buffer:
            check_buffer(log, record);
            buffers++;
            break;
        case rota::record_kind::job:
            first_job = first_job == 0 ? record.seq : first_job;
            EQUAL(record.ticket, tickets[submitted]);
            CHECK(same_bytes(&record.job, &jobs[submitted], sizeof record.job));
            submitted++;
            break;
        case rota::record_kind::completion: {
            rota::completion wanted = taken[completed];
            wanted.user_data = 0;
            const rota::completion done = record.completed_as();
            EQUAL(record.ticket, tickets[completed]);
            CHECK(same_bytes(&done, &wanted, sizeof done));
            CHECK(done.ok() == (completed != 3));
            sum = completed == 2 ? record.seq : sum;
            completed++;
            break;
        }
        case rota::record_kind::evidence:
            check_evidence(record, noted++ == 0);
            break;
        default:
            CHECK(record.what() == rota::record_kind::run_end);
            runs++;
        }
    }
    EQUAL(submitted, jobs_sent);
    EQUAL(completed, jobs_sent);
    EQUAL(noted, 2);
    EQUAL(runs, 2);
    EQUAL(tenants, 2);
    EQUAL(buffers, 4);
    CHECK(MUST(log.next()).what() == rota::record_kind::end);
    CHECK(log.begin() == log.end());
    const auto info = MUST(log.info());
    EQUAL(info.records, records);
    EQUAL(info.clean, 1);

    MUST(log.seek(first_job));
    EQUAL(MUST(log.next()).seq, first_job);
    MUST(log.seek(0));
    CHECK(log.begin()->operator*().what() == rota::record_kind::run_start);
    return sum;
}

void the_same(const std::string &log) {
    auto options = replay_of(log);
    std::uint64_t at = 0, end = 0;
    options.progress = [&](std::uint64_t done, std::uint64_t all) {
        CHECK(done >= at && done <= all);
        at = done;
        end = all;
    };
    const auto replay = MUST(rota::replay::run(options));
    const auto report = MUST(replay.report());
    CHECK(report.how() == rota::replay_outcome::same);
    CHECK(std::strcmp(rota::name(report.how()), "ROTA_REPLAY_SAME") == 0);
    CHECK(!report.differs_in(rota::difference::results));
    EQUAL(report.jobs, jobs_sent);
    EQUAL(report.same, jobs_sent);
    CHECK(std::strcmp(report.device, report.recorded_on) == 0);
    CHECK(at > jobs_sent && at == end);
    CHECK(MUST(replay.before()).empty() && MUST(replay.counts()).empty());

    at = 0;
    options.as_submitted = true;
    CHECK(MUST(MUST(rota::replay::run(options)).report()).how() == rota::replay_outcome::same);

#if ROTA_HPP_EXCEPTIONS
    int calls = 0;
    options.progress = [&](std::uint64_t, std::uint64_t) {
        calls++;
        throw 7;
    };
    bool caught = false;
    try {
        static_cast<void>(rota::replay::run(options));
    } catch (int what) {
        caught = what == 7;
    }
    CHECK(caught);
    EQUAL(calls, 1);
#endif
}

// The log says another result of the sum than it had.
void different(const std::string &log, std::uint64_t sum) {
    auto bytes = read_file(log);
    const auto cell = cell_of(sum);
    bytes[cell + 40 + 24] ^= 1;
    seal(bytes, cell + 8, cell_bytes - 8, cell + 4);
    write_file(log, bytes);

    auto options = replay_of(log);
    options.context = 2;
    const auto replay = MUST(rota::replay::run(options));
    const auto report = MUST(replay.report());
    CHECK(report.how() == rota::replay_outcome::different);
    CHECK(report.differs_in(rota::difference::results));
    CHECK(!report.differs_in(rota::difference::status));
    EQUAL(report.different, 1);
    EQUAL(report.first.ticket, tickets[2]);
    EQUAL(report.recorded_as().u64(), taken[2].u64() ^ 1);
    EQUAL(report.replayed_as().u64(), taken[2].u64());
    const auto before = MUST(replay.before());
    EQUAL(before.size(), 2);
    EQUAL(before[1].ticket, tickets[1]);
    CHECK(same_bytes(&before[1].job, &jobs[1], sizeof jobs[1]));
    const auto counts = MUST(replay.counts());
    EQUAL(counts.size(), 1);
    EQUAL(counts[0].opcode, ROTA_OP_SUM_U32);
    EQUAL(counts[0].jobs, 1);

    options.not_deterministic = {ROTA_OP_SUM_U32};
    CHECK(MUST(MUST(rota::replay::run(options)).report()).how() == rota::replay_outcome::same);
}

// Without its objects nothing can be said of the sum; with the data in a folder it can.
void without_data(const folder &in, const std::string &log) {
    record(log);
    std::filesystem::remove_all(log + ".objects");
    auto options = replay_of(log);
    auto report = MUST(MUST(rota::replay::run(options)).report());
    CHECK(report.how() == rota::replay_outcome::not_comparable);
    EQUAL(report.missing_data, 1);

    const auto given = in / "given";
    CHECK(std::filesystem::create_directory(given));
    write_file(given + "/some.bin",
               std::string(reinterpret_cast<const char *>(words.data()), words.size() * 4));
    options.data_dir = given;
    report = MUST(MUST(rota::replay::run(options)).report());
    CHECK(report.how() == rota::replay_outcome::same);
}

// Digests without a recorder; and what such a runtime says of the recorder that it doesn't have.
void without_a_recorder() {
    for (const bool digests : {false, true}) {
        auto options = test_options();
        options.write_digests = digests;
        const auto runtime = MUST(rota::runtime::open(options));
        const auto tenant = create_tenant(runtime);
        const auto buffer = MUST(tenant.create_buffer<std::uint32_t>(16));
        CHECK((MUST(tenant.run(rota::jobs::fill(buffer, 3u))).digest != 0) == digests);
        constexpr auto none = rota::status::wrong_state;
        FAILS(runtime.recorder_state(), none, "no flight recorder");
        FAILS(runtime.recorder_path(), none, "no flight recorder");
        FAILS(runtime.recorder_sync(), none, "no flight recorder");
        FAILS(runtime.recorder_note(rota::evidence::transient), none, "no flight recorder");
    }
}

} // namespace

int main() {
    const folder in;
    const auto log = in / "log", second = in / "second";
    record(log);
    const auto sum = read_back(log, rota::reading::strict);
    EQUAL(read_back(log, rota::reading::salvage), sum);
    the_same(log);
    different(log, sum);
    without_data(in, second);
    without_a_recorder();
    return 0;
}
