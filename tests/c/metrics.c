/* Metrics: a snapshot says what was done, in structs and in texts; what is left of tenants that are
 * gone; latencies, differences, values of a provider, and decisions. */
#include "setup.h"

enum { A_JOBS = 20, B_JOBS = 5, BYTES = 100, ROOM = 64 };

static rota_tenant_metrics tenants[ROOM];
static rota_handler_metrics handlers[ROOM];
static rota_metrics_value values[ROOM];

typedef struct {
    rota_snapshot raw;
    rota_metrics runtime;
} reading;

/* Into the arrays above. */
static reading read_all(rota_runtime *runtime) {
    reading now = {ROTA_SNAPSHOT_INIT, ROTA_METRICS_INIT};
    tenants[0] = (rota_tenant_metrics)ROTA_TENANT_METRICS_INIT;
    handlers[0] = (rota_handler_metrics)ROTA_HANDLER_METRICS_INIT;
    values[0] = (rota_metrics_value)ROTA_METRICS_VALUE_INIT;
    now.raw.tenants = tenants;
    now.raw.handlers = handlers;
    now.raw.values = values;
    now.raw.tenants_cap = now.raw.handlers_cap = now.raw.values_cap = ROOM;
    now.raw.runtime = &now.runtime;
    OK(rota_metrics_snapshot(runtime, &now.raw, &error));
    CHECK(now.raw.tenants_needed <= ROOM && now.raw.handlers_needed <= ROOM);
    EQUAL(now.runtime.series, now.raw.tenants_needed);
    now.raw.runtime = NULL; /* it moves */
    return now;
}

/* What holds in every snapshot: what was taken has completed, and so on; sums are sums. */
static void adds_up(const reading *now) {
    uint64_t submitted = 0, fuel = 0, slow = 0, last = ROTA_LATENCY_BUCKETS - 1;
    for (size_t i = 0; i < now->raw.tenants_needed; i++) {
        const rota_counts *counts = &tenants[i].counts;
        uint64_t taken = 0, faulted = 0, timed = 0;
        for (size_t s = 0; s < 8; s++)
            taken += counts->taken[s];
        for (size_t f = 0; f < 16; f++)
            faulted += counts->faulted[f];
        for (size_t b = 0; b < ROTA_LATENCY_BUCKETS; b++)
            timed += tenants[i].latency.buckets[b];
        CHECK(taken <= counts->completed && counts->completed <= counts->submitted);
        CHECK(counts->lag <= counts->outstanding);
        EQUAL(faulted, counts->taken[ROTA_COMPLETION_FAULTED]);
        CHECK(timed <= taken); /* of jobs submitted one by one some are timed */
        submitted += counts->submitted;
        fuel += counts->fuel;
        slow += tenants[i].latency.buckets[last];
    }
    EQUAL(now->runtime.all.submitted, submitted);
    EQUAL(now->runtime.all.fuel, fuel);
    EQUAL(now->runtime.latency.buckets[last], slow);
    EQUAL(now->runtime.segments, now->runtime.batches_split + now->runtime.barrier_points);
}

static const rota_tenant_metrics *series(const reading *now, const char *label) {
    for (size_t i = 0; i < now->raw.tenants_needed; i++)
        if (strcmp(tenants[i].label, label) == 0)
            return &tenants[i];
    fprintf(stderr, "no series %s\n", label);
    exit(1);
}

static const rota_handler_metrics *handler(const reading *now, const char *name) {
    for (size_t i = 0; i < now->raw.handlers_needed; i++)
        if (strcmp(handlers[i].module, "rota") == 0 && strcmp(handlers[i].handler, name) == 0)
            return &handlers[i];
    fprintf(stderr, "no handler %s\n", name);
    exit(1);
}

/* NULL if it was not told. */
static const rota_metrics_value *value(const reading *now, const char *name) {
    for (size_t i = 0; i < now->raw.values_needed; i++)
        if (strcmp(values[i].name, name) == 0)
            return &values[i];
    return NULL;
}

static rota_tenant *labelled(rota_runtime *runtime, const char *label) {
    rota_tenant_options options = ROTA_TENANT_OPTIONS_INIT;
    options.label = label;
    options.label_len = strlen(label);
    rota_tenant *tenant = NULL;
    OK(rota_tenant_create(runtime, &options, &tenant, &error));
    return tenant;
}

/* All of a text, to be freed. */
static char *text_of(rota_runtime *runtime, uint32_t format) {
    size_t needed = 0, cap = 0;
    OK(rota_metrics_text(runtime, format, NULL, 0, &needed, &error));
    char *text = NULL;
    while (needed >= cap) { /* it may have become longer */
        cap = needed + 256;
        text = realloc(text, cap);
        CHECK(text != NULL);
        OK(rota_metrics_text(runtime, format, text, cap, &needed, &error));
    }
    EQUAL(strlen(text), needed);
    return text;
}

static void must_have(const char *text, const char *part) {
    if (strstr(text, part))
        return;
    fprintf(stderr, "the text lacks \"%s\":\n%s", part, text);
    exit(1);
}

static void texts(rota_runtime *runtime) {
    char *text = text_of(runtime, ROTA_METRICS_PROMETHEUS);
    must_have(text, "# TYPE rota_tenant_jobs_submitted_total counter\n"
                    "rota_tenant_jobs_submitted_total{tenant=\"a\"} 20\n"
                    "rota_tenant_jobs_submitted_total{tenant=\"b\"} 6\n");
    must_have(text, "\nrota_jobs_submitted_total 26\n");
    must_have(text, "\nrota_tenant_faults_total{tenant=\"b\",fault=\"INVALID_BUFFER\"} 1\n");
    must_have(text, "\nrota_tenant_latency_seconds_bucket{tenant=\"a\",le=\"+Inf\"} ");
    must_have(text, "\nrota_handler_calls_total{module=\"rota\",handler=\"nop\"} 25\n");
    must_have(text, "\nqueue_depth 2.5\n");
    free(text);
    text = text_of(runtime, ROTA_METRICS_OPENMETRICS);
    must_have(text, "# TYPE rota_tenant_jobs_submitted counter\n");
    must_have(text, "\nrota_tenant_jobs_submitted_total{tenant=\"b\"} 6\n");
    CHECK(strcmp(text + strlen(text) - 6, "# EOF\n") == 0);
    free(text);
    text = text_of(runtime, ROTA_METRICS_JSON);
    CHECK(text[0] == '{');
    must_have(text, "queue_depth");
    free(text);
}

static void latencies(rota_tenant *tenant, const rota_tenant_metrics *metrics) {
    uint64_t buckets[ROTA_HISTOGRAM_BUCKETS + 1];
    memset(buckets, 0xaa, sizeof buckets);
    size_t needed = 0;
    OK(rota_tenant_get_latency(tenant, NULL, 0, &needed, &error));
    EQUAL(needed, ROTA_HISTOGRAM_BUCKETS);
    OK(rota_tenant_get_latency(tenant, buckets, needed, &needed, &error));
    uint64_t jobs = 0, least = 0, most = 0, before = 0;
    for (size_t i = 0; i < ROTA_HISTOGRAM_BUCKETS; i++) {
        uint64_t bound = rota_latency_bound(i);
        CHECK(bound > before);
        jobs += buckets[i];
        least += buckets[i] * before;
        most += buckets[i] ? buckets[i] * bound : 0;
        before = bound;
    }
    CHECK(jobs != 0 && jobs <= A_JOBS); /* those that were timed */
    CHECK(least <= metrics->latency.sum_ns && metrics->latency.sum_ns <= most);
    EQUAL(before, UINT64_MAX);
    EQUAL(buckets[ROTA_HISTOGRAM_BUCKETS], UINT64_C(0xaaaaaaaaaaaaaaaa));
}

static void tell_depth(void *user, rota_metrics_sink *sink) {
    ++*(int *)user;
    OK(rota_metrics_tell(sink, "queue_depth and more", 11, 2.5, &error));
}

static void kept_decisions(rota_runtime *runtime, uint64_t chosen) {
    rota_decision decisions[256];
    size_t needed = 0;
    OK(rota_runtime_get_decisions(runtime, decisions, 256, &needed, &error));
    CHECK(needed >= 1 && needed <= 256);
    EQUAL(chosen, 1);
    EQUAL(decisions[0].action, ROTA_ACTION_MODE_CHOSEN);
    EQUAL(decisions[0].saved_ns, 0);
    EQUAL(decisions[0].reserved, 0);
    for (size_t i = 1; i < needed; i++)
        CHECK(decisions[i].at_ns >= decisions[i - 1].at_ns && decisions[i].action < ROTA_ACTIONS);
    char text[256 * 256], line[256];
    OK(rota_runtime_decisions_text(runtime, text, sizeof text, &needed, &error));
    EQUAL(strlen(text), needed);
    snprintf(line, sizeof line, "device mode_chosen saved=0ns %s\n", decisions[0].detail);
    CHECK(strncmp(text, line, strlen(line)) == 0);
}

/* Two labels have series of their own, in a runtime that keeps no decisions. */
static void overflow(void) {
    rota_runtime_options options = test_options();
    options.max_series = 2;
    rota_runtime *runtime = NULL;
    OK(rota_runtime_open(&options, &runtime, &error));
    rota_tenant *some[] = {labelled(runtime, "b"), labelled(runtime, "a"), labelled(runtime, "c"),
                           labelled(runtime, "a")};
    for (size_t i = 0; i < 4; i++)
        for (size_t n = 0; n <= i; n++)
            still_works(some[i]);
    reading now = read_all(runtime);
    adds_up(&now);
    EQUAL(now.raw.tenants_needed, 3);
    EQUAL(now.runtime.max_series, 2);
    EQUAL(now.runtime.overflowed, 1);
    const char *labels[] = {"a", "b", "__overflow__"};
    const uint64_t jobs[] = {6, 1, 3}, living[] = {2, 1, 1};
    for (size_t i = 0; i < 3; i++) {
        CHECK(strcmp(tenants[i].label, labels[i]) == 0);
        EQUAL(tenants[i].counts.submitted, jobs[i]);
        EQUAL(tenants[i].tenants, living[i]);
        CHECK((tenants[i].counts.id == 0) == (living[i] == 2));
    }
    size_t needed = 99;
    OK(rota_runtime_get_decisions(runtime, NULL, 0, &needed, &error));
    EQUAL(needed, 0);
    OK(rota_runtime_decisions_text(runtime, NULL, 0, &needed, &error));
    EQUAL(needed, 0);
    OK(rota_runtime_destroy(runtime, &error));
}

int main(void) {
    rota_runtime_options options = test_options();
    options.flags = ROTA_RUNTIME_TRACE;
    rota_runtime *runtime = NULL;
    OK(rota_runtime_open(&options, &runtime, &error));
    rota_tenant *a = labelled(runtime, "a"), *b = labelled(runtime, "b");
    reading before = read_all(runtime);
    EQUAL(before.raw.handlers_needed, 0);
    EQUAL(before.runtime.tenants, 2);
    EQUAL(before.runtime.max_series, 1024);
    EQUAL(before.runtime.ages.queued_ns, ROTA_NOT_OBSERVED);

    for (int i = 0; i < A_JOBS; i++)
        still_works(a);
    for (int i = 0; i < B_JOBS; i++)
        still_works(b);
    rota_job faulty = {.opcode = ROTA_OP_FILL, .tiles = 1, .args = {0, 0, 4, 4}};
    EQUAL(run_one(b, faulty).fault, ROTA_FAULT_INVALID_BUFFER);
    char bytes[BYTES] = {0};
    rota_buffer buffer = create_buffer(b, BYTES, 0);
    OK(rota_buffer_write(b, buffer, 0, bytes, BYTES, &error));
    OK(rota_buffer_read(b, buffer, 0, bytes, BYTES / 2, &error));
    int asked = 0;
    uint64_t provider = 0;
    OK(rota_metrics_provider_add(runtime, tell_depth, &asked, &provider, &error));
    CHECK(provider != 0);

    /* How many there are, and then all of them. */
    rota_snapshot counted = ROTA_SNAPSHOT_INIT;
    OK(rota_metrics_snapshot(runtime, &counted, &error));
    EQUAL(asked, 1);
    reading now = read_all(runtime);
    adds_up(&now);
    EQUAL(asked, 2);
    EQUAL(counted.tenants_needed, 2);
    EQUAL(now.raw.tenants_needed, 2);
    EQUAL(now.raw.handlers_needed, counted.handlers_needed);
    EQUAL(now.raw.values_needed, counted.values_needed);
    const rota_tenant_metrics of_a = *series(&now, "a"), of_b = *series(&now, "b");
    uint64_t id = 0;
    OK(rota_tenant_id(b, &id, &error));
    EQUAL(of_b.counts.id, id);
    EQUAL(of_a.counts.submitted, A_JOBS);
    EQUAL(of_a.counts.taken[ROTA_COMPLETION_OK], A_JOBS);
    EQUAL(of_b.counts.submitted, B_JOBS + 1);
    EQUAL(of_b.counts.faulted[ROTA_FAULT_INVALID_BUFFER], 1);
    EQUAL(of_b.counts.bytes_in, BYTES);
    EQUAL(of_b.counts.bytes_out, BYTES / 2);
    EQUAL(of_b.counts.used[ROTA_RESOURCE_BUFFERS], 1);
    EQUAL(of_b.counts.cap[ROTA_RESOURCE_MODULES], ROTA_UNLIMITED);
    EQUAL(handler(&now, "nop")->calls, A_JOBS + B_JOBS);
    EQUAL(handler(&now, "nop")->faults, 0);
    EQUAL(handler(&now, "fill")->faults, 1);
    EQUAL(now.runtime.all.taken[ROTA_COMPLETION_FAULTED], 1);
    EQUAL(now.runtime.recorder_records, 0);
    EQUAL(now.runtime.refused_names, 0);
    EQUAL(now.runtime.leases[0], 0);
    CHECK(now.runtime.at_ns > before.runtime.at_ns);
    CHECK(value(&now, "queue_depth")->value == 2.5);
    CHECK(value(&now, "rota_device_memory_bytes")->value > 0);
    latencies(a, &of_a);
    texts(runtime);
    kept_decisions(runtime, now.runtime.decisions[ROTA_ACTION_MODE_CHOSEN]);

    /* No longer asked. */
    OK(rota_metrics_provider_remove(runtime, provider, &error));
    int asked_before = asked;
    still_works(a);
    reading later = read_all(runtime);
    EQUAL(asked, asked_before);
    CHECK(value(&later, "queue_depth") == NULL);

    /* Differences; the result may be one of the two. */
    rota_metrics passed = ROTA_METRICS_INIT;
    OK(rota_metrics_difference(&later.runtime, &now.runtime, &passed, &error));
    EQUAL(passed.all.submitted, 1);
    EQUAL(passed.at_ns, later.runtime.at_ns - now.runtime.at_ns);
    EQUAL(passed.tenants, 2);
    EQUAL(passed.all.used[ROTA_RESOURCE_BUFFERS], 1);
    OK(rota_metrics_difference(&later.runtime, &now.runtime, &later.runtime, &error));
    CHECK(memcmp(&passed, &later.runtime, sizeof passed) == 0);
    rota_tenant_metrics of_one = ROTA_TENANT_METRICS_INIT;
    OK(rota_tenant_metrics_difference(series(&later, "a"), &of_a, &of_one, &error));
    CHECK(strcmp(of_one.label, "a") == 0);
    EQUAL(of_one.counts.submitted, 1);
    EQUAL(of_one.tenants, 1);
    OK(rota_tenant_metrics_difference(&of_a, series(&later, "a"), &of_one, &error));
    EQUAL(of_one.counts.submitted, A_JOBS); /* begun anew */

    /* Jobs of one that is gone stay counted; what it had does not; also when all has stopped. */
    OK(rota_tenant_destroy(b, &error));
    OK(rota_runtime_stop(runtime, &error));
    later = read_all(runtime);
    adds_up(&later);
    EQUAL(later.runtime.tenants, 1);
    EQUAL(later.runtime.all.submitted, A_JOBS + B_JOBS + 2);
    EQUAL(series(&later, "b")->tenants, 0);
    EQUAL(series(&later, "b")->counts.submitted, B_JOBS + 1);
    EQUAL(series(&later, "b")->counts.used[ROTA_RESOURCE_BUFFERS], 0);
    uint64_t leases = 0;
    for (size_t i = 0; i < ROTA_LEASE_ENDS; i++)
        leases += later.runtime.leases[i];
    CHECK(leases > 0);
    OK(rota_runtime_destroy(runtime, &error));
    overflow();
    return 0;
}
