/* A program records what it does, takes the recorder's state, makes it durable and adds evidence;
 * reads all of it back, each job and completion as they were; and runs the log again, which comes
 * out the same, and differently where the log says something else. */
#define _XOPEN_SOURCE 700
#include "recordings.h"

enum { WORDS = 1024, JOBS = 5 };

static rota_job jobs[JOBS];
static rota_ticket tickets[JOBS];
static rota_completion taken[JOBS];
static unsigned char data[4 * WORDS];
static uint64_t tenant_id;
static rota_buffer buffer;
static char device[256];
static const char evidence[] = "the watchdog bit";

static void state_of(rota_runtime *runtime, const char *log) {
    rota_recorder_state state = ROTA_RECORDER_STATE_INIT;
    OK(rota_recorder_get_state(runtime, &state, &error));
    EQUAL(state.capacity_bytes, LOG_BYTES);
    EQUAL(state.capacity_cells, (LOG_BYTES - CELLS_AT) / CELL_BYTES);
    EQUAL(state.oldest_seq, 1);
    CHECK(state.next_seq > 2 * JOBS);
    CHECK(state.durable_seq <= state.written_seq && state.written_seq <= state.next_seq);
    CHECK(state.generation != 0);
    EQUAL(state.run, 1);
    EQUAL(state.kept_capacity + state.existed + state.crashed + state.failed, 0);
    EQUAL(state.os_error, 0);
    EQUAL(state.refused + state.gaps + state.lost + state.lost_objects, 0);
    EQUAL(state.objects, 1); /* what was written into the buffer */
    EQUAL(state.object_bytes, sizeof data);

    uint64_t durable = 0;
    OK(rota_recorder_sync(runtime, ROTA_FOREVER, &durable, &error));
    CHECK(durable >= state.next_seq);
    OK(rota_recorder_sync(runtime, ROTA_FOREVER, NULL, &error));
    OK(rota_recorder_get_state(runtime, &state, &error));
    CHECK(state.durable_seq >= durable && state.syncs >= 1);
    CHECK(state.bytes >= 2 * JOBS * CELL_BYTES);

    char path[512];
    size_t needed = 0;
    OK(rota_recorder_get_path(runtime, NULL, 0, &needed, &error));
    EQUAL(needed, strlen(log) + 1);
    OK(rota_recorder_get_path(runtime, path, sizeof path, &needed, &error));
    CHECK(strcmp(path, log) == 0);
    memset(path, 'x', sizeof path);
    OK(rota_recorder_get_path(runtime, path, 5, &needed, &error));
    CHECK(memcmp(path, log, 4) == 0 && path[4] == 0 && path[5] == 'x');
    EQUAL(needed, strlen(log) + 1);
}

static void record(const char *log) {
    rota_recorder_options recorder = recorder_into(log);
    rota_runtime *runtime = open_recorded(&recorder);
    rota_runtime_info info = ROTA_RUNTIME_INFO_INIT;
    OK(rota_runtime_get_info(runtime, &info, &error));
    memcpy(device, info.device_name, sizeof device);

    rota_tenant *tenant = NULL;
    rota_tenant_options options = ROTA_TENANT_OPTIONS_INIT;
    options.label = "the first";
    options.label_len = strlen(options.label);
    options.slots = 64;
    OK(rota_tenant_create(runtime, &options, &tenant, &error));
    OK(rota_tenant_id(tenant, &tenant_id, &error));
    buffer = create_buffer(tenant, sizeof data, 0);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 7);
    OK(rota_buffer_write(tenant, buffer, 0, data, sizeof data, &error));
    OK(rota_buffer_fill(tenant, buffer, 16, 32, 0xab, &error));

    uint32_t tiles = rota_tiles(ROTA_OP_SUM_U32, WORDS);
    jobs[0] = nop(20, 22);
    jobs[1] = (rota_job){.opcode = ROTA_OP_SUM_U32, .tiles = tiles, .args = {buffer, 0, WORDS}};
    jobs[2] = (rota_job){.opcode = ROTA_OP_FILL, .tiles = 2, .args = {buffer, 0, 100, 5}};
    jobs[3] = (rota_job){.opcode = ROTA_OP_SUM_U32, .tiles = 2, .args = {buffer, 0, WORDS}};
    jobs[4] = (rota_job){.opcode = ROTA_OP_FILL, .tiles = 1, .args = {0, 0, 4, 4}}; /* faults */
    for (uint64_t i = 0; i < JOBS; i++) {
        jobs[i].flags = ROTA_JOB_TIMING;
        jobs[i].fuel = 2000;
        jobs[i].user_data = 1000 + i;
        tickets[i] = submit_one(tenant, jobs[i]);
        taken[i] = wait_for(tenant, tickets[i]);
        EQUAL(taken[i].status, i == 4 ? ROTA_COMPLETION_FAULTED : ROTA_COMPLETION_OK);
    }
    CHECK(taken[2].digest != 0); /* a recorder brings digests along */

    OK(rota_recorder_note(runtime, tenant, tickets[4], ROTA_EVIDENCE_PROGRAM_BUG, -4, evidence,
                          sizeof evidence, &error));
    OK(rota_recorder_note(runtime, NULL, 0, ROTA_EVIDENCE_TRANSIENT, 7, NULL, 0, &error));
    state_of(runtime, log);

    /* It can be read while it is recorded into, but nobody else can record into it. */
    rota_recording *recording = open_recording(log, 0);
    EQUAL(next(recording).kind, ROTA_RECORD_RUN_START);
    rota_recording_info about = ROTA_RECORDING_INFO_INIT;
    OK(rota_recording_get_info(recording, &about, &error));
    EQUAL(about.clean, 0);
    OK(rota_recording_destroy(recording, &error));
    rota_runtime *other = NULL;
    rota_runtime_options again = test_options();
    again.recorder = &recorder;
    FAILS_SAYING(rota_runtime_open(&again, &other, &error), ROTA_STATUS_LOG_IN_USE, log);

    OK(rota_buffer_destroy(tenant, buffer, &error));
    OK(rota_tenant_destroy(tenant, &error));
    OK(rota_runtime_destroy(runtime, &error));
}

static const char *field_of(rota_recording *recording, const rota_record *record,
                            const char *name) {
    for (size_t i = 0; i < record->field_count; i++) {
        rota_field field;
        OK(rota_recording_get_field(recording, i, &field, &error));
        EQUAL(strlen(field.name), field.name_len);
        EQUAL(strlen(field.value), field.value_len);
        if (strcmp(field.name, name) == 0)
            return field.value;
    }
    return "there is no such field";
}

static void check_buffer(rota_recording *recording, const rota_record *record) {
    EQUAL(record->buffer, buffer);
    switch (record->event) {
    case ROTA_EVENT_BUFFER_CREATED:
        EQUAL(record->length, sizeof data);
        EQUAL(record->read_only, 0);
        break;
    case ROTA_EVENT_BUFFER_WRITTEN: {
        EQUAL(record->offset, 0);
        EQUAL(record->length, sizeof data);
        EQUAL(record->has_hash, 1);
        const void *kept = NULL;
        size_t len = 0;
        OK(rota_recording_get_object(recording, record->hash, &kept, &len, &error));
        EQUAL(len, sizeof data);
        CHECK(memcmp(kept, data, len) == 0);
        break;
    }
    case ROTA_EVENT_BUFFER_FILLED:
        EQUAL(record->offset, 16);
        EQUAL(record->length, 32);
        EQUAL(record->value, 0xab);
        EQUAL(record->has_hash, 0);
        break;
    default:
        EQUAL(record->event, ROTA_EVENT_BUFFER_DESTROYED);
        EQUAL(record->tail, JOBS);
    }
}

static void check_evidence(const rota_record *record, int nth) {
    EQUAL(record->event, nth ? ROTA_EVIDENCE_TRANSIENT : ROTA_EVIDENCE_PROGRAM_BUG);
    EQUAL(record->code, nth ? 7 : -4);
    EQUAL(record->tenant, nth ? 0 : tenant_id);
    EQUAL(record->ticket, nth ? 0 : tickets[4]);
    size_t len = nth ? 0 : sizeof evidence;
    EQUAL(record->length, len);
    EQUAL(record->data_len, len);
    EQUAL(record->has_hash, 1);
    CHECK(nth ? record->data == NULL : memcmp(record->data, evidence, len) == 0);
}

/* The number of the record of the last completion with results. */
static uint64_t read_back(const char *log) {
    rota_recording *recording = open_recording(log, 0);
    uint64_t first_job = 0, sum = 0, records = 0, last = 0, cells = 0;
    size_t submitted = 0, completed = 0, buffers = 0, tenants = 0, noted = 0, runs = 0;
    for (;;) {
        rota_record record = next(recording);
        if (record.kind == ROTA_RECORD_END)
            break;
        records++;
        CHECK(record.seq > last && record.wall_ns > 0 && record.mono_ns > 0 && record.cells > 0);
        last = record.seq;
        cells += record.cells;
        EQUAL(strlen(record.text), record.text_len);
        if (record.kind == ROTA_RECORD_TENANT && strcmp(record.text, "the first"))
            continue; /* the runtime's own */
        switch (record.kind) {
        case ROTA_RECORD_RUN_START:
            EQUAL(runs++, 0);
            CHECK(strcmp(field_of(recording, &record, "device"), device) == 0);
            CHECK(strcmp(field_of(recording, &record, "capture"), "full") == 0);
            break;
        case ROTA_RECORD_TENANT:
            EQUAL(record.tenant, tenant_id);
            EQUAL(record.event,
                  tenants++ ? ROTA_EVENT_TENANT_DESTROYED : ROTA_EVENT_TENANT_CREATED);
            if (tenants == 1)
                CHECK(strcmp(field_of(recording, &record, "slots"), "64") == 0);
            break;
        case ROTA_RECORD_BUFFER:
            EQUAL(record.tenant, tenant_id);
            check_buffer(recording, &record);
            buffers++;
            break;
        case ROTA_RECORD_JOB:
            first_job = first_job ? first_job : record.seq;
            EQUAL(record.tenant, tenant_id);
            EQUAL(record.ticket, tickets[submitted]);
            CHECK(memcmp(&record.job, &jobs[submitted], sizeof record.job) == 0);
            submitted++;
            break;
        case ROTA_RECORD_COMPLETION: {
            rota_completion wanted = taken[completed];
            wanted.user_data = 0;
            EQUAL(record.tenant, tenant_id);
            EQUAL(record.ticket, tickets[completed]);
            CHECK(memcmp(&record.completion, &wanted, sizeof wanted) == 0);
            sum = completed == 3 ? record.seq : sum;
            completed++;
            break;
        }
        case ROTA_RECORD_EVIDENCE:
            check_evidence(&record, (int)noted++);
            break;
        default:
            EQUAL(record.kind, ROTA_RECORD_RUN_END);
            CHECK(strcmp(field_of(recording, &record, "jobs"), "5") == 0);
            runs++;
        }
    }
    EQUAL(submitted, JOBS);
    EQUAL(completed, JOBS);
    EQUAL(buffers, 4);
    EQUAL(tenants, 2);
    EQUAL(noted, 2);
    EQUAL(runs, 2);
    EQUAL(next(recording).kind, ROTA_RECORD_END);

    rota_recording_info info = ROTA_RECORDING_INFO_INIT;
    OK(rota_recording_get_info(recording, &info, &error));
    EQUAL(info.records, records);
    EQUAL(info.good, cells);
    EQUAL(info.clean, 1);
    EQUAL(info.capacity_bytes, LOG_BYTES);
    EQUAL(info.pid, getpid());
    EQUAL(info.next_seq, info.durable_seq);
    EQUAL(info.cut_to + info.staged + info.untold, 0);
    EQUAL(info.holes + info.torn + info.corrupt + info.stale + info.overwritten, 0);

    OK(rota_recording_seek(recording, first_job, &error));
    rota_record found = next(recording);
    EQUAL(found.seq, first_job);
    CHECK(memcmp(&found.job, &jobs[0], sizeof found.job) == 0);
    OK(rota_recording_seek(recording, 0, &error));
    EQUAL(next(recording).kind, ROTA_RECORD_RUN_START);
    OK(rota_recording_seek(recording, UINT64_MAX, &error));
    EQUAL(next(recording).kind, ROTA_RECORD_END);
    OK(rota_recording_destroy(recording, &error));
    return sum;
}

static uint64_t steps_done, steps_all;

static void hear(void *user, uint64_t done, uint64_t all) {
    CHECK(user == &steps_done && done >= steps_done && done <= all);
    steps_done = done;
    steps_all = all;
}

static rota_replay_report run_again(rota_replay_options options, rota_replay **replay) {
    rota_replay_report report = ROTA_REPLAY_REPORT_INIT;
    OK(rota_replay_run(&options, replay, &error));
    OK(rota_replay_get_report(*replay, &report, &error));
    return report;
}

static void the_same(const char *log, const rota_runtime_options *runtime) {
    rota_replay_options options = replay_of(log, runtime);
    options.progress = hear;
    options.user = &steps_done;
    rota_replay *replay = NULL;
    rota_replay_report report = run_again(options, &replay);
    EQUAL(report.outcome, ROTA_REPLAY_SAME);
    EQUAL(report.differs + report.first.seq + report.different, 0);
    EQUAL(report.jobs, JOBS);
    EQUAL(report.compared, JOBS);
    EQUAL(report.same, JOBS);
    EQUAL(report.without_data + report.missing_data + report.missing_records + report.strays, 0);
    CHECK(strcmp(report.device, device) == 0);
    CHECK(strcmp(report.recorded_on, device) == 0);
    CHECK(steps_all > JOBS && steps_done == steps_all);
    size_t needed = 99;
    OK(rota_replay_get_before(replay, NULL, 0, &needed, &error));
    EQUAL(needed, 0);
    OK(rota_replay_get_counts(replay, NULL, 0, &needed, &error));
    EQUAL(needed, 0);
    OK(rota_replay_destroy(replay, &error));
}

/* The log of a sum says another result than it had. */
static void different(const char *log, const rota_runtime_options *runtime, uint64_t sum) {
    size_t n = 0;
    unsigned char *bytes = read_file(log, &n);
    unsigned char *cell = cell_of(bytes, sum);
    cell[40 + 24] ^= 1;
    uint32_t crc = crc32c(cell + 8, CELL_BYTES - 8);
    memcpy(cell + 4, &crc, 4);
    write_file(log, bytes, n);
    free(bytes);

    rota_replay_options options = replay_of(log, runtime);
    options.context = 2;
    rota_replay *replay = NULL;
    rota_replay_report report = run_again(options, &replay);
    EQUAL(report.outcome, ROTA_REPLAY_DIFFERENT);
    EQUAL(report.differs, ROTA_DIFFERS_RESULTS);
    EQUAL(report.different, 1);
    EQUAL(report.same, JOBS - 1);
    EQUAL(report.first.tenant, tenant_id);
    EQUAL(report.first.ticket, tickets[3]);
    CHECK(memcmp(&report.first.job, &jobs[3], sizeof jobs[3]) == 0);
    EQUAL(report.recorded.results[0], taken[3].results[0] ^ 1);
    EQUAL(report.replayed.results[0], taken[3].results[0]);
    EQUAL(report.replayed.digest, taken[3].digest);

    rota_replay_job before[3];
    size_t needed = 0;
    OK(rota_replay_get_before(replay, before, 3, &needed, &error));
    EQUAL(needed, 2);
    EQUAL(before[0].ticket, tickets[1]);
    EQUAL(before[1].ticket, tickets[2]);
    CHECK(before[1].seq < report.first.seq);
    CHECK(memcmp(&before[1].job, &jobs[2], sizeof jobs[2]) == 0);
    OK(rota_replay_get_before(replay, before, 1, &needed, &error));
    EQUAL(needed, 2);
    rota_replay_count count;
    OK(rota_replay_get_counts(replay, &count, 1, &needed, &error));
    EQUAL(needed, 1);
    EQUAL(count.opcode, ROTA_OP_SUM_U32);
    EQUAL(count.jobs, 1);
    OK(rota_replay_destroy(replay, &error));

    const uint32_t opcodes[] = {ROTA_OP_SUM_U32};
    options.not_deterministic = opcodes;
    options.not_deterministic_count = 1;
    report = run_again(options, &replay);
    EQUAL(report.outcome, ROTA_REPLAY_SAME);
    EQUAL(report.not_deterministic, 1);
    OK(rota_replay_destroy(replay, &error));
}

/* Without its objects nothing can be said of the sums; with the data in a folder it can. */
static void without_data(const char *log, const rota_runtime_options *runtime) {
    record(log);
    remove_tree(in_folder("second.objects"));
    rota_replay *replay = NULL;
    rota_replay_options options = replay_of(log, runtime);
    rota_replay_report report = run_again(options, &replay);
    EQUAL(report.outcome, ROTA_REPLAY_NOT_COMPARABLE);
    EQUAL(report.missing_data, 1);
    CHECK(report.without_data >= 1 && report.same < JOBS);
    OK(rota_replay_destroy(replay, &error));

    rota_recording *recording = open_recording(log, 0);
    rota_record written;
    do {
        written = next(recording);
        CHECK(written.kind != ROTA_RECORD_END);
    } while (written.kind != ROTA_RECORD_BUFFER || written.event != ROTA_EVENT_BUFFER_WRITTEN);
    const void *kept = NULL;
    size_t len = 99;
    FAILS_SAYING(rota_recording_get_object(recording, written.hash, &kept, &len, &error),
                 ROTA_STATUS_DATA_MISSING, "missing");
    EQUAL(len, 99);
    OK(rota_recording_destroy(recording, &error));

    const char *given = in_folder("given");
    CHECK(mkdir(given, 0700) == 0);
    write_file(in_folder("given/some.bin"), data, sizeof data);
    options.data_dir = given;
    options.data_dir_len = strlen(given);
    report = run_again(options, &replay);
    EQUAL(report.outcome, ROTA_REPLAY_SAME);
    EQUAL(report.same, JOBS);
    OK(rota_replay_destroy(replay, &error));
}

/* Digests without a recorder. */
static void only_digests(void) {
    for (uint32_t flags = 0; flags <= ROTA_RUNTIME_WRITE_DIGESTS;
         flags += ROTA_RUNTIME_WRITE_DIGESTS) {
        rota_runtime_options options = test_options();
        options.flags = flags;
        rota_runtime *runtime = NULL;
        OK(rota_runtime_open(&options, &runtime, &error));
        rota_tenant *tenant = create_tenant(runtime, 0);
        rota_buffer own = create_buffer(tenant, 64, 0);
        rota_job fill = {.opcode = ROTA_OP_FILL, .tiles = 1, .args = {own, 0, 16, 3}};
        CHECK((run_one(tenant, fill).digest != 0) == (flags != 0));
        OK(rota_runtime_destroy(runtime, &error));
    }
}

int main(void) {
    unsetenv("ROTA_RECORD");
    CHECK(mkdtemp(folder) != NULL);
    char log[64], second[64];
    snprintf(log, sizeof log, "%s", in_folder("log"));
    snprintf(second, sizeof second, "%s", in_folder("second"));
    rota_runtime_options runtime = test_options();

    record(log);
    uint64_t sum = read_back(log);
    the_same(log, &runtime);
    different(log, &runtime, sum);
    without_data(second, &runtime);
    only_digests();
    remove_tree(folder);
    return 0;
}
