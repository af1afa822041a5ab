/* Options of a recorder that mean nothing, and logs that can't be recorded into: each has its
 * status, and the runtime doesn't open. A runtime without a recorder says so. */
#define _XOPEN_SOURCE 700
#include "recordings.h"

#include <stddef.h>

static rota_runtime_options options;
static rota_recorder_options recorder;

#define REFUSES(status, text)                                                                      \
    do {                                                                                           \
        rota_runtime *none = NULL;                                                                 \
        FAILS_SAYING(rota_runtime_open(&options, &none, &error), status, text);                    \
        CHECK(none == NULL);                                                                       \
    } while (0)

static void log_is(const char *name) {
    recorder = recorder_into(in_folder(name));
    options.recorder = &recorder;
}

static void bad_options(void) {
    log_is("log");
    recorder.path_len = 0;
    REFUSES(ROTA_STATUS_INVALID_ARGUMENT, "path");
    recorder.path = NULL;
    recorder.path_len = 3;
    REFUSES(ROTA_STATUS_NULL_POINTER, "path");
    log_is("log");
    recorder.path_len++; /* with the zero */
    REFUSES(ROTA_STATUS_INVALID_ARGUMENT, "path");
    log_is("log");
    recorder.capture = 3;
    REFUSES(ROTA_STATUS_INVALID_ARGUMENT, "capture");
    log_is("log");
    recorder.flags = 8;
    REFUSES(ROTA_STATUS_INVALID_ARGUMENT, "flags");
    log_is("log");
    recorder.stage_dir = "\xff";
    recorder.stage_dir_len = 1;
    REFUSES(ROTA_STATUS_INVALID_ARGUMENT, "stage_dir");
    log_is("log");
    recorder.struct_size = 0;
    REFUSES(ROTA_STATUS_INVALID_STRUCT_SIZE, "rota_recorder_options");
    log_is("log");
    options.recorder = (const rota_recorder_options *)((const char *)&recorder + 1);
    REFUSES(ROTA_STATUS_INVALID_ARGUMENT, "aligned");
    log_is("log");
    options.flags = 16;
    REFUSES(ROTA_STATUS_INVALID_ARGUMENT, "flags");
    options.flags = 0;
    log_is("log");
    recorder.capacity_bytes = (4 << 20) - 1;
    REFUSES(ROTA_STATUS_INVALID_ARGUMENT, "at least 4 MiB");
    recorder.capture = ROTA_CAPTURE_JOBS;
    recorder.capacity_bytes = 100;
    REFUSES(ROTA_STATUS_INVALID_ARGUMENT, "100 bytes");
}

static void bad_logs(void) {
    log_is("log");
    OK(rota_runtime_destroy(open_recorded(&recorder), &error));
    size_t n = 0;
    unsigned char *bytes = read_file(in_folder("log"), &n);
    EQUAL(n, LOG_BYTES);

    log_is(".");
    REFUSES(ROTA_STATUS_NOT_A_LOG, "a folder");
    write_file(in_folder("other"), "#include <stdio.h>\n", 19);
    log_is("other");
    REFUSES(ROTA_STATUS_NOT_A_LOG, "another program's file");
    write_file(in_folder("empty"), "", 0);
    log_is("empty");
    REFUSES(ROTA_STATUS_LOG_DAMAGED, "empty");
    write_file(in_folder("cut"), bytes, n / 2);
    log_is("cut");
    REFUSES(ROTA_STATUS_LOG_DAMAGED, "cut");
    log_is("no/such/folder");
    REFUSES(ROTA_STATUS_IO_ERROR, "no such");
    for (unsigned page = 0; page < 2; page++) {
        unsigned char *header = bytes + 4096 * page;
        header[8]++;
        uint32_t crc = crc32c(header, 4092);
        memcpy(header + 4092, &crc, 4);
    }
    write_file(in_folder("newer"), bytes, n);
    log_is("newer");
    REFUSES(ROTA_STATUS_LOG_TOO_NEW, "version 2");
    free(bytes);

    /* What was refused is as it was. */
    bytes = read_file(in_folder("other"), &n);
    CHECK(n == 19 && memcmp(bytes, "#include", 8) == 0);
    free(bytes);
}

/* A caller that was built before there was a recorder: what lies behind its struct is not read. */
static void without_a_recorder(void) {
    rota_runtime_options shorter = test_options();
    shorter.struct_size = offsetof(rota_runtime_options, recorder);
    memset(&shorter.recorder, 0xff, sizeof shorter.recorder);
    rota_runtime *runtime = NULL;
    OK(rota_runtime_open(&shorter, &runtime, &error));
    rota_recorder_state state = ROTA_RECORDER_STATE_INIT;
    size_t needed = 99;
    uint64_t durable = 99;
    rota_status none = ROTA_STATUS_WRONG_STATE;
    FAILS_SAYING(rota_recorder_get_state(runtime, &state, &error), none, "no flight recorder");
    RETURNS(rota_recorder_get_path(runtime, NULL, 0, &needed, &error), none);
    EQUAL(needed, 0);
    RETURNS(rota_recorder_sync(runtime, 0, &durable, &error), none);
    EQUAL(durable, 99);
    RETURNS(rota_recorder_note(runtime, NULL, 0, ROTA_EVIDENCE_TRANSIENT, 0, NULL, 0, &error),
            none);
    still_works(create_tenant(runtime, 0));
    OK(rota_runtime_destroy(runtime, &error));
}

static void bad_calls(void) {
    log_is("log");
    recorder.struct_size = offsetof(rota_recorder_options, object_bytes); /* an older caller's */
    recorder.object_bytes = UINT64_MAX;
    recorder.stage_dir_len = SIZE_MAX;
    rota_runtime *runtime = open_recorded(&recorder);
    rota_recorder_state state = ROTA_RECORDER_STATE_INIT;
    OK(rota_recorder_get_state(runtime, &state, &error));
    EQUAL(state.run, 2);
    EQUAL(state.existed, 1);
    state.struct_size = offsetof(rota_recorder_state, capacity_cells);
    state.capacity_cells = 5;
    OK(rota_recorder_get_state(runtime, &state, &error));
    EQUAL(state.capacity_cells, 5);
    state.struct_size = 4;
    RETURNS(rota_recorder_get_state(runtime, &state, &error), ROTA_STATUS_INVALID_STRUCT_SIZE);
    RETURNS(rota_recorder_get_state(runtime, NULL, &error), ROTA_STATUS_NULL_POINTER);
    RETURNS(rota_recorder_get_state(NULL, &state, &error), ROTA_STATUS_NULL_POINTER);
    size_t needed = 99;
    RETURNS(rota_recorder_get_path(runtime, NULL, 5, &needed, &error), ROTA_STATUS_NULL_POINTER);
    EQUAL(needed, 0);
    RETURNS(rota_recorder_get_path(runtime, NULL, 0, NULL, &error), ROTA_STATUS_NULL_POINTER);
    RETURNS(rota_recorder_sync(NULL, 0, NULL, &error), ROTA_STATUS_NULL_POINTER);

    rota_tenant *tenant = create_tenant(runtime, 0);
    rota_runtime *other = open_runtime();
    rota_tenant *stranger = create_tenant(other, 0);
    RETURNS(rota_recorder_note(runtime, NULL, 0, 0, 0, NULL, 0, &error),
            ROTA_STATUS_INVALID_ARGUMENT);
    RETURNS(rota_recorder_note(runtime, NULL, 0, 5, 0, NULL, 0, &error),
            ROTA_STATUS_INVALID_ARGUMENT);
    RETURNS(rota_recorder_note(runtime, NULL, 0, 1, 0, NULL, 1, &error), ROTA_STATUS_NULL_POINTER);
    FAILS_SAYING(rota_recorder_note(runtime, stranger, 0, 1, 0, NULL, 0, &error),
                 ROTA_STATUS_INVALID_ARGUMENT, "another runtime");
    RETURNS(rota_recorder_note(runtime, (rota_tenant *)runtime, 0, 1, 0, NULL, 0, &error),
            ROTA_STATUS_INVALID_HANDLE);
    OK(rota_recorder_note(runtime, tenant, 0, 1, 0, "x", 1, &error));
    still_works(tenant);
    OK(rota_runtime_destroy(other, &error));
    OK(rota_runtime_destroy(runtime, &error));
    RETURNS(rota_recorder_get_state(runtime, &state, &error), ROTA_STATUS_INVALID_HANDLE);

    /* A log that is given up begins anew. */
    log_is("log");
    recorder.flags = ROTA_RECORDER_START_OVER | ROTA_RECORDER_ALLOW_GAPS;
    recorder.capacity_bytes = 2 * LOG_BYTES;
    runtime = open_recorded(&recorder);
    state.struct_size = sizeof state;
    OK(rota_recorder_get_state(runtime, &state, &error));
    EQUAL(state.run, 1);
    EQUAL(state.kept_capacity, 1);
    EQUAL(state.capacity_bytes, LOG_BYTES);
    OK(rota_runtime_destroy(runtime, &error));
}

int main(void) {
    unsetenv("ROTA_RECORD");
    CHECK(mkdtemp(folder) != NULL);
    options = test_options();
    bad_options();
    bad_logs();
    without_a_recorder();
    bad_calls();
    remove_tree(folder);
    return 0;
}
