/* Records some jobs, reads the log, runs it again, and prints whether they came out the same.
 *
 *     cc record.c $(pkg-config --cflags --libs rota) -o record && ./record run.log
 *
 * The log is a new one, or goes on if it is there: the last run of it counts. */
#include <inttypes.h>
#include <rota/rota.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JOBS = 4, WORDS = 1000 };

static rota_error *error; /* written by a call that fails; the caller owns it */

static void must(rota_status status) {
    if (status == ROTA_STATUS_OK)
        return;
    fprintf(stderr, "record: %s\n", error ? rota_error_message(error) : rota_status_text(status));
    rota_error_destroy(error);
    exit(1);
}

static void record_jobs(const char *log) {
    rota_recorder_options recorder = ROTA_RECORDER_OPTIONS_INIT;
    recorder.path = log;
    recorder.path_len = strlen(log);
    recorder.capacity_bytes = 4 << 20;
    recorder.capture = ROTA_CAPTURE_FULL; /* the data too, so that the log is all that is needed */
    rota_runtime_options options = ROTA_RUNTIME_OPTIONS_INIT;
    options.recorder = &recorder;
    rota_runtime *runtime;
    rota_tenant *tenant;
    must(rota_runtime_open(&options, &runtime, &error));
    must(rota_tenant_create(runtime, NULL, &tenant, &error));

    uint32_t words[WORDS];
    for (uint32_t i = 0; i < WORDS; i++)
        words[i] = i;
    rota_buffer buffer;
    must(rota_buffer_create(tenant, sizeof words, 0, &buffer, &error));
    must(rota_buffer_write(tenant, buffer, 0, words, sizeof words, &error));
    for (uint32_t i = 0; i < JOBS; i++) {
        rota_job job = {.opcode = ROTA_OP_SUM_U32, .args = {buffer, 0, WORDS / (i + 1)}};
        job.tiles = rota_tiles(job.opcode, job.args[2]);
        rota_ticket ticket;
        rota_completion done;
        size_t accepted;
        must(rota_submit(tenant, &job, 1, &ticket, &accepted, &error));
        must(rota_wait(tenant, ticket, ROTA_WAIT_ADAPTIVE, ROTA_FOREVER, &done, &error));
    }

    uint64_t durable; /* from here on not even a power cut takes them */
    must(rota_recorder_sync(runtime, ROTA_FOREVER, &durable, &error));
    must(rota_runtime_destroy(runtime, &error)); /* closes the log */
}

static void read_log(const char *log) {
    rota_recording *recording;
    rota_record record = ROTA_RECORD_INIT;
    must(rota_recording_open(log, strlen(log), ROTA_RECORDING_SALVAGE, &recording, &error));
    for (;;) {
        must(rota_recording_next(recording, &record, &error));
        if (record.kind == ROTA_RECORD_END)
            break;
        printf("%6" PRIu64 "  %s", record.seq, rota_record_name(record.kind));
        if (record.kind == ROTA_RECORD_JOB)
            printf(", opcode %#x", (unsigned)record.job.opcode);
        else if (record.kind == ROTA_RECORD_COMPLETION)
            printf(", %s, results %u", rota_completion_status_name(record.completion.status),
                   (unsigned)record.completion.results[0]);
        else if (record.event != 0)
            printf(", %s", rota_event_name(record.kind, record.event));
        printf("\n");
    }
    must(rota_recording_destroy(recording, &error));
}

static int run_again(const char *log) {
    rota_replay *replay;
    rota_replay_options options = ROTA_REPLAY_OPTIONS_INIT;
    options.path = log;
    options.path_len = strlen(log);
    rota_replay_report report = ROTA_REPLAY_REPORT_INIT;
    must(rota_replay_run(&options, &replay, &error));
    must(rota_replay_get_report(replay, &report, &error));
    printf("%s: %" PRIu64 " of %" PRIu64 " jobs came out the same on %s\n",
           rota_outcome_name(report.outcome), report.same, report.jobs, report.device);
    must(rota_replay_destroy(replay, &error));
    return report.outcome != ROTA_REPLAY_SAME;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "record: give the path of a log\n");
        return 2;
    }
    record_jobs(argv[1]);
    read_log(argv[1]);
    return run_again(argv[1]);
}
