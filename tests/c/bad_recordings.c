/* Logs that can't be read or run again: each has its status, for the reader and for replay. A
 * damaged cell is named, and costs its record only. */
#define _XOPEN_SOURCE 700
#include "recordings.h"

static unsigned char *good; /* the bytes of a log that is whole */
static size_t good_bytes;
static uint64_t job_seq; /* of a job in it */

static void record(void) {
    rota_recorder_options recorder = recorder_into(in_folder("log"));
    rota_runtime *runtime = open_recorded(&recorder);
    still_works(create_tenant(runtime, 0));
    OK(rota_runtime_destroy(runtime, &error));
    good = read_file(in_folder("log"), &good_bytes);
    rota_recording *recording = open_recording(in_folder("log"), 0);
    for (rota_record record; (record = next(recording)).kind != ROTA_RECORD_END;)
        if (record.kind == ROTA_RECORD_JOB)
            job_seq = record.seq;
    CHECK(job_seq > 1);
    OK(rota_recording_destroy(recording, &error));

    /* So small that the beginning of the run is overwritten. */
    recorder = recorder_into(in_folder("small"));
    recorder.capacity_bytes = 64 << 10;
    recorder.capture = ROTA_CAPTURE_JOBS;
    runtime = open_recorded(&recorder);
    rota_tenant *tenant = create_tenant(runtime, 0);
    for (uint32_t i = 0; i < 512; i++)
        run_one(tenant, nop(i, i));
    OK(rota_runtime_destroy(runtime, &error));
}

static void refused(const char *name, rota_status status, const char *text) {
    const char *path = in_folder(name);
    rota_recording *recording = NULL;
    FAILS_SAYING(rota_recording_open(path, strlen(path), 0, &recording, &error), status, text);
    CHECK(recording == NULL);
    rota_replay_options options = replay_of(path, NULL);
    rota_replay *replay = NULL;
    if (strcmp(name, "cut") != 0) /* what is left of it is run again, if it has a beginning */
        FAILS_SAYING(rota_replay_run(&options, &replay, &error), status, text);
    CHECK(replay == NULL);
}

/* A copy of the good log with another header. */
static void with_header(const char *name, size_t at, unsigned char value, int sealed) {
    unsigned char *bytes = malloc(good_bytes);
    CHECK(bytes != NULL);
    memcpy(bytes, good, good_bytes);
    for (unsigned page = 0; page < 2; page++) {
        unsigned char *header = bytes + 4096 * page;
        header[at] = value;
        uint32_t crc = crc32c(header, 4092);
        if (sealed)
            memcpy(header + 4092, &crc, 4);
    }
    write_file(in_folder(name), bytes, good_bytes);
    free(bytes);
}

static void bad_files(void) {
    refused(".", ROTA_STATUS_NOT_A_LOG, "a folder");
    refused("none", ROTA_STATUS_IO_ERROR, "no such log");
    write_file(in_folder("other"), "another program's", 17);
    refused("other", ROTA_STATUS_NOT_A_LOG, "not a log");
    write_file(in_folder("empty"), "", 0);
    refused("empty", ROTA_STATUS_LOG_DAMAGED, "empty");
    write_file(in_folder("cut"), good, good_bytes / 2);
    refused("cut", ROTA_STATUS_LOG_DAMAGED, "cut");
    with_header("damaged", 40, 99, 0);
    refused("damaged", ROTA_STATUS_LOG_DAMAGED, "header");
    with_header("newer", 8, 2, 1);
    refused("newer", ROTA_STATUS_LOG_TOO_NEW, "version 2");
    with_header("feature", 39, 0x80, 1);
    refused("feature", ROTA_STATUS_LOG_TOO_NEW, "bit 63");

    rota_replay_options options = replay_of(in_folder("small"), NULL);
    rota_replay *replay = NULL;
    FAILS_SAYING(rota_replay_run(&options, &replay, &error), ROTA_STATUS_NOT_REPLAYABLE,
                 "capacity");
    rota_recording *recording = open_recording(in_folder("cut"), ROTA_RECORDING_SALVAGE);
    rota_recording_info info = ROTA_RECORDING_INFO_INIT;
    OK(rota_recording_get_info(recording, &info, &error));
    EQUAL(info.cut_to, good_bytes / 2);
    EQUAL(next(recording).kind, ROTA_RECORD_RUN_START);
    OK(rota_recording_destroy(recording, &error));
}

static void damaged_cell(void) {
    cell_of(good, job_seq)[50] ^= 4;
    write_file(in_folder("log"), good, good_bytes);
    rota_recording *strict = open_recording(in_folder("log"), 0);
    rota_record record = ROTA_RECORD_INIT;
    rota_status status;
    while ((status = rota_recording_next(strict, &record, NULL)) == ROTA_STATUS_OK)
        CHECK(record.kind != ROTA_RECORD_END && record.seq < job_seq);
    EQUAL(status, ROTA_STATUS_LOG_DAMAGED);
    EQUAL(next(strict).kind, ROTA_RECORD_END);
    OK(rota_recording_seek(strict, job_seq, &error));
    char number[32];
    snprintf(number, sizeof number, "cell %" PRIu64, job_seq);
    FAILS_SAYING(rota_recording_next(strict, &record, &error), ROTA_STATUS_LOG_DAMAGED, number);
    OK(rota_recording_seek(strict, job_seq + 1, &error));
    EQUAL(next(strict).kind, ROTA_RECORD_COMPLETION);
    OK(rota_recording_destroy(strict, &error));

    rota_recording *salvage = open_recording(in_folder("log"), ROTA_RECORDING_SALVAGE);
    OK(rota_recording_seek(salvage, job_seq, &error));
    record = next(salvage);
    EQUAL(record.kind, ROTA_RECORD_MISSING);
    EQUAL(record.event, ROTA_EVENT_MISSING_CORRUPT);
    EQUAL(record.seq, job_seq);
    EQUAL(record.cells, 1);
    EQUAL(next(salvage).kind, ROTA_RECORD_COMPLETION);
    rota_recording_info info = ROTA_RECORDING_INFO_INIT;
    OK(rota_recording_get_info(salvage, &info, &error));
    EQUAL(info.corrupt, 1);
    OK(rota_recording_destroy(salvage, &error));
}

static void bad_calls(void) {
    const char *path = in_folder("log");
    size_t len = strlen(path);
    rota_recording *recording = NULL;
    RETURNS(rota_recording_open(path, len, 2, &recording, &error), ROTA_STATUS_INVALID_ARGUMENT);
    RETURNS(rota_recording_open(NULL, 0, 0, &recording, &error), ROTA_STATUS_INVALID_ARGUMENT);
    RETURNS(rota_recording_open(NULL, 3, 0, &recording, &error), ROTA_STATUS_NULL_POINTER);
    RETURNS(rota_recording_open(path, len, 0, NULL, &error), ROTA_STATUS_NULL_POINTER);
    recording = open_recording(path, 0);
    rota_record record = ROTA_RECORD_INIT;
    RETURNS(rota_recording_next(recording, NULL, &error), ROTA_STATUS_NULL_POINTER);
    record.struct_size = 0;
    RETURNS(rota_recording_next(recording, &record, &error), ROTA_STATUS_INVALID_STRUCT_SIZE);
    record = next(recording);
    EQUAL(record.kind, ROTA_RECORD_RUN_START); /* a refused call has read nothing */
    rota_field field = {.name = "same"};
    RETURNS(rota_recording_get_field(recording, record.field_count, &field, &error),
            ROTA_STATUS_OUT_OF_RANGE);
    CHECK(strcmp(field.name, "same") == 0);
    RETURNS(rota_recording_get_field(recording, 0, NULL, &error), ROTA_STATUS_NULL_POINTER);
    const void *data = NULL;
    size_t n = 0;
    const uint8_t hash[32] = {1};
    RETURNS(rota_recording_get_object(recording, NULL, &data, &n, &error),
            ROTA_STATUS_NULL_POINTER);
    RETURNS(rota_recording_get_object(recording, hash, &data, &n, &error),
            ROTA_STATUS_DATA_MISSING);
    RETURNS(rota_replay_destroy((rota_replay *)recording, &error), ROTA_STATUS_INVALID_HANDLE);
    rota_replay_report report = ROTA_REPLAY_REPORT_INIT;
    RETURNS(rota_replay_get_report((rota_replay *)recording, &report, &error),
            ROTA_STATUS_INVALID_HANDLE);
    size_t needed = 99;
    RETURNS(rota_replay_get_counts(NULL, NULL, 0, &needed, &error), ROTA_STATUS_NULL_POINTER);
    EQUAL(needed, 0);
    OK(rota_recording_destroy(recording, &error));
    RETURNS(rota_recording_destroy(recording, &error), ROTA_STATUS_INVALID_HANDLE);
    RETURNS(rota_recording_next(recording, &record, &error), ROTA_STATUS_INVALID_HANDLE);
    OK(rota_recording_destroy(NULL, &error));
    OK(rota_replay_destroy(NULL, &error));

    rota_replay *replay = NULL;
    RETURNS(rota_replay_run(NULL, &replay, &error), ROTA_STATUS_NULL_POINTER);
    rota_replay_options options = replay_of(path, NULL);
    RETURNS(rota_replay_run(&options, NULL, &error), ROTA_STATUS_NULL_POINTER);
    options.flags = 1u << 31;
    RETURNS(rota_replay_run(&options, &replay, &error), ROTA_STATUS_INVALID_ARGUMENT);
    options = replay_of(path, NULL);
    options.run = 1;
    FAILS_SAYING(rota_replay_run(&options, &replay, &error), ROTA_STATUS_INVALID_ARGUMENT, "run");
    options = replay_of(path, NULL);
    options.path_len = 0;
    RETURNS(rota_replay_run(&options, &replay, &error), ROTA_STATUS_INVALID_ARGUMENT);
    options = replay_of(path, NULL);
    options.not_deterministic_count = 1;
    RETURNS(rota_replay_run(&options, &replay, &error), ROTA_STATUS_NULL_POINTER);
    options = replay_of(path, NULL);
    options.struct_size = 12;
    RETURNS(rota_replay_run(&options, &replay, &error), ROTA_STATUS_INVALID_STRUCT_SIZE);
    rota_runtime_options runtime = ROTA_RUNTIME_OPTIONS_INIT;
    runtime.mode = 9;
    options = replay_of(path, &runtime);
    RETURNS(rota_replay_run(&options, &replay, &error), ROTA_STATUS_INVALID_ARGUMENT);
    CHECK(replay == NULL);
}

int main(void) {
    unsetenv("ROTA_RECORD");
    CHECK(mkdtemp(folder) != NULL);
    record();
    bad_files();
    damaged_cell();
    bad_calls();
    free(good);
    remove_tree(folder);
    return 0;
}
