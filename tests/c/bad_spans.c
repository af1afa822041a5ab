/* Options of spans that can't be, contexts that aren't ones, and runtimes that make no spans. */
#include "setup.h"
#include <math.h>

static rota_span_options file(void) {
    rota_span_options spans = ROTA_SPAN_OPTIONS_INIT;
    spans.path = "/dev/null";
    spans.path_len = strlen(spans.path);
    return spans;
}

static void refused(const rota_span_options *spans, rota_status expected) {
    rota_runtime_options options = test_options();
    options.spans = spans;
    rota_runtime *runtime = NULL;
    RETURNS(rota_runtime_open(&options, &runtime, &error), expected);
    CHECK(runtime == NULL);
}

static void with_text(const char *endpoint, const char *path, rota_status expected) {
    rota_span_options spans = ROTA_SPAN_OPTIONS_INIT;
    if (endpoint != NULL) {
        spans.exporters = ROTA_SPANS_OTLP;
        spans.endpoint = endpoint;
        spans.endpoint_len = strlen(endpoint);
    }
    if (path != NULL) {
        spans.path = path;
        spans.path_len = strlen(path);
    }
    refused(&spans, expected);
}

int main(void) {
    rota_span_options spans = ROTA_SPAN_OPTIONS_INIT;
    refused(&spans, ROTA_STATUS_INVALID_ARGUMENT);
    spans.struct_size = 12;
    refused(&spans, ROTA_STATUS_INVALID_STRUCT_SIZE);
    const uint32_t queues[] = {0, (1 << 20) + 1, 99, UINT32_MAX};
    for (size_t i = 0; i < 4; i++) {
        spans = file();
        spans.queue = queues[i];
        refused(&spans, ROTA_STATUS_INVALID_ARGUMENT);
    }
    spans = file();
    spans.batch = 0;
    refused(&spans, ROTA_STATUS_INVALID_ARGUMENT);
    spans = file();
    spans.exporters = 2;
    refused(&spans, ROTA_STATUS_INVALID_ARGUMENT);
    spans = file();
    spans.sampler = ROTA_SAMPLER_PARENT_RATIO + 1;
    refused(&spans, ROTA_STATUS_INVALID_ARGUMENT);
    const double ratios[] = {-0.001, 1.001, 1e300, NAN};
    for (size_t i = 0; i < 4; i++) {
        spans = file();
        spans.sample_ratio = ratios[i];
        refused(&spans, ROTA_STATUS_INVALID_ARGUMENT);
    }
    spans = file();
    spans.endpoint = "http://127.0.0.1/";
    spans.endpoint_len = strlen(spans.endpoint);
    refused(&spans, ROTA_STATUS_INVALID_ARGUMENT);
    spans = file();
    spans.path = "\xff";
    spans.path_len = 1;
    refused(&spans, ROTA_STATUS_INVALID_ARGUMENT);
    with_text("https://collector.example/v1/traces", NULL, ROTA_STATUS_INVALID_ARGUMENT);
    with_text("not an url", NULL, ROTA_STATUS_INVALID_ARGUMENT);
    with_text("ftp://127.0.0.1/", NULL, ROTA_STATUS_INVALID_ARGUMENT);
    with_text(NULL, "/nowhere/at/all.json", ROTA_STATUS_IO_ERROR);
    with_text(NULL, "/", ROTA_STATUS_IO_ERROR);

    rota_trace_context context;
    const char *texts[] = {
        "0",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331\xff-01",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        RETURNS(rota_trace_context_parse(texts[i], strlen(texts[i]), &context, &error),
                ROTA_STATUS_INVALID_ARGUMENT);
    RETURNS(rota_trace_context_parse(texts[1], 55, NULL, &error), ROTA_STATUS_NULL_POINTER);
    RETURNS(rota_trace_context_parse(NULL, 55, &context, &error), ROTA_STATUS_NULL_POINTER);
    RETURNS(rota_trace_context_parse(NULL, 0, &context, &error), ROTA_STATUS_INVALID_ARGUMENT);

    /* A runtime without spans takes contexts, and does nothing with them. */
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0);
    rota_job job = nop(1, 2);
    rota_trace_context none = ROTA_TRACE_CONTEXT_INIT;
    rota_ticket ticket;
    size_t accepted = 7;
    RETURNS(rota_submit_traced(tenant, &job, NULL, 1, &ticket, &accepted, &error),
            ROTA_STATUS_NULL_POINTER);
    CHECK(accepted == 0);
    RETURNS(rota_submit_traced(tenant, &job, &none, 0, &ticket, &accepted, &error),
            ROTA_STATUS_INVALID_ARGUMENT);
    RETURNS(rota_submit_traced(tenant, &job, &none, SIZE_MAX, &ticket, &accepted, &error),
            ROTA_STATUS_INVALID_ARGUMENT);
    OK(rota_submit_traced(tenant, &job, &none, 1, &ticket, &accepted, &error));
    EQUAL(wait_for(tenant, ticket).status, ROTA_COMPLETION_OK);
    rota_span_stats stats = ROTA_SPAN_STATS_INIT;
    RETURNS(rota_spans_get_stats(runtime, &stats, &error), ROTA_STATUS_WRONG_STATE);
    RETURNS(rota_spans_get_stats(runtime, NULL, &error), ROTA_STATUS_NULL_POINTER);
    RETURNS(rota_spans_flush(runtime, 0, &error), ROTA_STATUS_WRONG_STATE);
    RETURNS(rota_spans_flush(NULL, 0, &error), ROTA_STATUS_NULL_POINTER);
    OK(rota_tenant_destroy(tenant, &error));
    OK(rota_runtime_destroy(runtime, &error));
    RETURNS(rota_spans_get_stats(runtime, &stats, &error), ROTA_STATUS_INVALID_HANDLE);
    return 0;
}
