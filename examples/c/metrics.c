/* What each tenant has done, as a small table. rota_metrics_text gives all of it as Prometheus and
 * others read it.
 *
 *     cc metrics.c $(pkg-config --cflags --libs rota) -o metrics && ./metrics
 */
#include <inttypes.h>
#include <rota/rota.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rota_error *error; /* written by a call that fails; the caller owns it */

static void must(rota_status status) {
    if (status == ROTA_STATUS_OK)
        return;
    fprintf(stderr, "metrics: %s\n", error ? rota_error_message(error) : rota_status_text(status));
    rota_error_destroy(error);
    exit(1);
}

/* A tenant that runs so many jobs. */
static void create_and_run(rota_runtime *runtime, const char *label, int jobs) {
    rota_tenant *tenant;
    rota_tenant_options options = ROTA_TENANT_OPTIONS_INIT;
    options.label = label;
    options.label_len = strlen(label);
    must(rota_tenant_create(runtime, &options, &tenant, &error));
    for (rota_job job = ROTA_JOB_INIT; jobs > 0; jobs--) {
        rota_ticket ticket;
        rota_completion done;
        size_t accepted;
        must(rota_submit(tenant, &job, 1, &ticket, &accepted, &error));
        must(rota_wait(tenant, ticket, ROTA_WAIT_ADAPTIVE, ROTA_FOREVER, &done, &error));
    }
}

static void print_table(rota_runtime *runtime) {
    rota_snapshot now = ROTA_SNAPSHOT_INIT;
    must(rota_metrics_snapshot(runtime, &now, &error)); /* how many there are */
    now.tenants = calloc(now.tenants_needed, sizeof *now.tenants);
    if (!now.tenants)
        exit(1);
    now.tenants_cap = now.tenants_needed;
    now.tenants->struct_size = sizeof *now.tenants; /* of the first, for all of them */
    must(rota_metrics_snapshot(runtime, &now, &error));
    printf("%-10s %8s %8s %12s\n", "tenant", "jobs", "faults", "mean us");
    for (size_t i = 0; i < now.tenants_needed && i < now.tenants_cap; i++) {
        const rota_counts *counts = &now.tenants[i].counts;
        const rota_latency *latency = &now.tenants[i].latency;
        uint64_t timed = 0; /* not all that were submitted one by one */
        for (int bucket = 0; bucket < ROTA_LATENCY_BUCKETS; bucket++)
            timed += latency->buckets[bucket];
        double mean_us = timed ? (double)latency->sum_ns / 1e3 / (double)timed : 0;
        printf("%-10s %8" PRIu64 " %8" PRIu64 " %12.1f\n", now.tenants[i].label, counts->submitted,
               counts->taken[ROTA_COMPLETION_FAULTED], mean_us);
    }
    free(now.tenants);
}

int main(void) {
    rota_runtime *runtime;
    must(rota_runtime_open(NULL, &runtime, &error));
    create_and_run(runtime, "studio", 300);
    create_and_run(runtime, "player", 20);
    print_table(runtime);
    must(rota_runtime_destroy(runtime, &error)); /* and its tenants */
    return 0;
}
