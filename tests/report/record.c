/* Records jobs of a few tenants for scripts/test-report.sh: short ones and tiled ones, some that
 * fault, and a tenant whose label wants to be HTML.
 *
 *     record LOG */
#include <rota/rota.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 60, JOBS = 8, WORDS = 4096 };

static rota_error *error;

static void must(rota_status status) {
    if (status == ROTA_STATUS_OK)
        return;
    fprintf(stderr, "record: %s\n", error ? rota_error_message(error) : rota_status_text(status));
    exit(1);
}

static rota_tenant *create(rota_runtime *runtime, const char *label) {
    rota_tenant_options options = ROTA_TENANT_OPTIONS_INIT;
    options.label = label;
    options.label_len = strlen(label);
    rota_tenant *tenant;
    must(rota_tenant_create(runtime, &options, &tenant, &error));
    return tenant;
}

int main(int argc, char **argv) {
    static const char *const labels[] = {"search", "images", "</script><b>\"&'"};
    enum { TENANTS = sizeof labels / sizeof *labels };
    if (argc != 2)
        return 2;
    rota_recorder_options recorder = ROTA_RECORDER_OPTIONS_INIT;
    recorder.path = argv[1];
    recorder.path_len = strlen(argv[1]);
    recorder.capacity_bytes = 4 << 20;
    rota_runtime_options options = ROTA_RUNTIME_OPTIONS_INIT;
    options.recorder = &recorder;
    rota_runtime *runtime;
    must(rota_runtime_open(&options, &runtime, &error));
    rota_tenant *tenants[TENANTS];
    rota_buffer buffers[TENANTS];
    for (size_t i = 0; i < TENANTS; i++) {
        tenants[i] = create(runtime, labels[i]);
        must(rota_buffer_create(tenants[i], 4 * WORDS, 0, &buffers[i], &error));
    }
    for (uint32_t round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < TENANTS; i++) {
            rota_job jobs[JOBS];
            rota_ticket tickets[JOBS];
            size_t accepted;
            for (uint32_t n = 0; n < JOBS; n++) {
                /* Of the last tenant one in eight reaches beyond the end. */
                uint32_t words = (uint32_t)(1 + i) * WORDS / 4 + (i == 2 && n == 0 ? WORDS : 0);
                jobs[n] = (rota_job){.opcode = ROTA_OP_FILL, .args = {buffers[i], 0, words, round}};
                jobs[n].tiles = rota_tiles(ROTA_OP_FILL, words);
            }
            must(rota_submit(tenants[i], jobs, JOBS, tickets, &accepted, &error));
            for (size_t n = 0; n < accepted; n++) {
                rota_completion done;
                must(rota_wait(tenants[i], tickets[n], ROTA_WAIT_ADAPTIVE, ROTA_FOREVER, &done,
                               &error));
            }
        }
    must(rota_runtime_destroy(runtime, &error));
    printf("%d\n", TENANTS * ROUNDS * JOBS);
    return 0;
}
