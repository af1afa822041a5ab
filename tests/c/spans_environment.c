/* Spans that only the environment asks for: where they go, which jobs have them, how many can wait.
 * Options win, and what can't be done is left out. */
#define _POSIX_C_SOURCE 200809L /* mkdtemp, setenv */
#include "traces.h"

#include <unistd.h>

enum { PATH = 96, JOBS = 5 };

static int is_there(const char *path) { return access(path, F_OK) == 0; }

/* Whether a runtime with these options makes spans; of JOBS jobs so many have one. */
static int makes_spans(const rota_span_options *spans, uint64_t sampled, uint64_t capacity) {
    rota_runtime_options options = test_options();
    options.spans = spans;
    rota_runtime *runtime = NULL;
    OK(rota_runtime_open(&options, &runtime, &error));
    rota_tenant *tenant = create_tenant(runtime, 0);
    for (int i = 0; i < JOBS; i++)
        EQUAL(run_one(tenant, nop(1, 2)).status, ROTA_COMPLETION_OK);
    rota_span_stats stats = ROTA_SPAN_STATS_INIT;
    rota_status told = rota_spans_get_stats(runtime, &stats, NULL);
    if (told == ROTA_STATUS_OK) {
        OK(rota_spans_flush(runtime, ROTA_FOREVER, &error));
        OK(rota_spans_get_stats(runtime, &stats, &error));
        EQUAL(stats.exported, sampled);
        EQUAL(stats.dropped + stats.failed, 0);
        EQUAL(stats.capacity, capacity);
    } else {
        EQUAL(told, ROTA_STATUS_WRONG_STATE);
    }
    OK(rota_runtime_destroy(runtime, &error));
    return told == ROTA_STATUS_OK;
}

/* The file has the spans of so many jobs, and is whole; it is taken away. */
static void has_spans(const char *path, size_t jobs) {
    size_t length = read_file(path);
    CHECK(length >= 4 && strcmp(text + length - 3, "\n]\n") == 0);
    EQUAL(count("\"handler\":\"nop\""), jobs);
    CHECK(remove(path) == 0);
}

int main(void) {
    char folder[] = "/tmp/rota-spans-XXXXXX", path[PATH], named[PATH], other[PATH];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/%ld.json", folder, (long)getpid());
    snprintf(named, sizeof named, "%s/%%p.json", folder);
    snprintf(other, sizeof other, "%s/other.json", folder);
    const char *const names[] = {
        "OTEL_SDK_DISABLED",       "OTEL_TRACES_EXPORTER",    "OTEL_TRACES_SAMPLER",
        "OTEL_TRACES_SAMPLER_ARG", "OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_EXPORT_TIMEOUT", "ROTA_SPANS",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    CHECK(!makes_spans(NULL, 0, 0));

    setenv("ROTA_SPANS", named, 1);
    CHECK(makes_spans(NULL, JOBS, 8192));
    has_spans(path, JOBS);

    setenv("OTEL_BSP_MAX_QUEUE_SIZE", "77", 1);
    setenv("OTEL_BSP_SCHEDULE_DELAY", "soon", 1); /* warned of */
    setenv("OTEL_TRACES_EXPORTER", "none", 1);
    setenv("OTEL_TRACES_SAMPLER", "traceidratio", 1);
    setenv("OTEL_TRACES_SAMPLER_ARG", "0", 1);
    CHECK(makes_spans(NULL, 0, 77));
    has_spans(path, 0);

    /* Who has options has none of that but the sampler, where they leave it to the environment. */
    rota_span_options spans = ROTA_SPAN_OPTIONS_INIT;
    spans.path = other;
    spans.path_len = strlen(other);
    CHECK(makes_spans(&spans, 0, 8192));
    has_spans(other, 0);
    spans.sampler = ROTA_SAMPLER_ALWAYS_ON;
    CHECK(makes_spans(&spans, JOBS, 8192));
    has_spans(other, JOBS);
    CHECK(!is_there(path));

    setenv("OTEL_SDK_DISABLED", "True", 1);
    CHECK(!makes_spans(NULL, 0, 0));
    CHECK(!is_there(path));
    setenv("OTEL_SDK_DISABLED", "false", 1);
    setenv("ROTA_SPANS", "/nowhere/at/all.json", 1);
    CHECK(!makes_spans(NULL, 0, 0));
    CHECK(rmdir(folder) == 0); /* nothing is left in it */
    return 0;
}
