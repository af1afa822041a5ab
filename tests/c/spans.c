/* Spans go to a file and to a collector that isn't there: jobs don't notice, the counts tell. */
#define _POSIX_C_SOURCE 200809L /* mkstemp */
#include "traces.h"
#include <unistd.h>

#define JOBS 200

int main(void) {
    const char *traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    rota_trace_context context = ROTA_TRACE_CONTEXT_INIT;
    OK(rota_trace_context_parse(traceparent, strlen(traceparent), &context, &error));
    CHECK(context.trace_id[0] == 0x0a && context.trace_id[15] == 0x9c);
    CHECK(context.parent_id[0] == 0xb7 && context.flags == ROTA_TRACE_SAMPLED);

    char path[] = "/tmp/rota-spans-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0 && close(fd) == 0);
    /* The port of nobody: "discard" isn't there, or isn't HTTP. */
    const char *endpoint = "http://127.0.0.1:9/v1/traces";
    rota_span_options spans = ROTA_SPAN_OPTIONS_INIT;
    spans.exporters = ROTA_SPANS_OTLP;
    spans.sampler = ROTA_SAMPLER_PARENT_ALWAYS_ON;
    spans.endpoint = endpoint;
    spans.endpoint_len = strlen(endpoint);
    spans.path = path;
    spans.path_len = strlen(path);
    spans.timeout_ns = 200000000;
    rota_runtime_options options = test_options();
    options.spans = &spans;
    rota_runtime *runtime = NULL;
    OK(rota_runtime_open(&options, &runtime, &error));
    rota_tenant_options tenant_options = ROTA_TENANT_OPTIONS_INIT;
    tenant_options.label = "a \"tenant\"";
    tenant_options.label_len = strlen(tenant_options.label);
    rota_tenant *tenant = NULL;
    OK(rota_tenant_create(runtime, &tenant_options, &tenant, &error));

    rota_job jobs[JOBS];
    rota_trace_context contexts[JOBS];
    rota_ticket tickets[JOBS];
    for (size_t i = 0; i < JOBS; i++) {
        jobs[i] = (rota_job)ROTA_JOB_INIT;
        contexts[i] = (rota_trace_context)ROTA_TRACE_CONTEXT_INIT;
        if (i % 2 == 0)
            contexts[i] = context;
    }
    /* Every fourth job's caller isn't sampled. */
    for (size_t i = 0; i < JOBS; i += 4)
        contexts[i].flags = 0;
    size_t accepted = 0;
    OK(rota_submit_traced(tenant, jobs, contexts, JOBS, tickets, &accepted, &error));
    CHECK(accepted == JOBS);
    for (size_t i = 0; i < JOBS; i++) {
        rota_completion completion;
        OK(rota_wait(tenant, tickets[i], ROTA_WAIT_ADAPTIVE, ROTA_FOREVER, &completion, &error));
        CHECK(completion.status == ROTA_COMPLETION_OK);
        CHECK(completion.begin_epoch == 0 && completion.fuel == 0 && completion.digest == 0);
    }
    OK(rota_spans_flush(runtime, ROTA_FOREVER, &error));
    rota_span_stats stats = ROTA_SPAN_STATS_INIT;
    OK(rota_spans_get_stats(runtime, &stats, &error));
    const uint64_t sampled = JOBS - JOBS / 4;
    EQUAL(stats.pushed, sampled);
    EQUAL(stats.dropped, 0);
    EQUAL(stats.queued, 0);
    /* Each span went to the file and was given up by the other exporter. */
    EQUAL(stats.exported, sampled);
    EQUAL(stats.failed, sampled);
    EQUAL(stats.capacity, 8192);
    CHECK(stats.failures >= 2);
    CHECK(stats.utilisation == 0.0 && stats.drop_rate == 0.0);

    OK(rota_tenant_destroy(tenant, &error));
    OK(rota_runtime_destroy(runtime, &error));
    CHECK(read_file(path) != 0);
    CHECK(count("\"0af7651916cd43dd8448eb211c80319c\"") >= JOBS / 4);
    CHECK(count("a \\\"tenant\\\"") >= 1);
    CHECK(remove(path) == 0);
    return 0;
}
