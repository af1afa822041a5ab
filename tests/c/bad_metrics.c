/* Metrics that are asked for wrongly: NULLs, sizes of structs and of the structs of arrays, too
 * little room, unknown formats, names and labels of all kinds, providers that aren't there, and a
 * runtime that is closed. Nothing is written beyond what the caller has. */
#include "setup.h"

#include <math.h>
#include <stddef.h>

static const rota_status null = ROTA_STATUS_NULL_POINTER;
static const rota_status argument = ROTA_STATUS_INVALID_ARGUMENT;
static const rota_status wrong_size = ROTA_STATUS_INVALID_STRUCT_SIZE;
static const rota_status stale = ROTA_STATUS_INVALID_HANDLE;

static void *not_zero(size_t bytes) {
    void *memory = malloc(bytes);
    CHECK(memory != NULL);
    return memset(memory, 0xaa, bytes);
}

/* Bytes from `from` on up to `to` are as not_zero made them. */
static void untouched(const void *memory, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        EQUAL(((const unsigned char *)memory)[i], 0xaa);
}

static rota_tenant *labelled(rota_runtime *runtime, const char *label, size_t len) {
    rota_tenant_options options = ROTA_TENANT_OPTIONS_INIT;
    options.label = label;
    options.label_len = len;
    rota_tenant *tenant = NULL;
    OK(rota_tenant_create(runtime, &options, &tenant, &error));
    return tenant;
}

static void snapshots(rota_runtime *runtime) {
    rota_snapshot asked = ROTA_SNAPSHOT_INIT;
    RETURNS(rota_metrics_snapshot(NULL, &asked, &error), null);
    RETURNS(rota_metrics_snapshot(runtime, NULL, &error), null);
    asked.struct_size = 0;
    FAILS_SAYING(rota_metrics_snapshot(runtime, &asked, &error), wrong_size, "rota_snapshot");
    asked.struct_size = sizeof asked - 4;
    RETURNS(rota_metrics_snapshot(runtime, &asked, &error), wrong_size);
    RETURNS(rota_metrics_snapshot(runtime, (rota_snapshot *)((char *)&asked + 1), &error),
            argument);

    /* Of an older caller: what lies behind is neither read nor written. */
    memset(&asked, 0xaa, sizeof asked);
    asked.struct_size = offsetof(rota_snapshot, handlers);
    asked.tenants = NULL;
    asked.tenants_cap = 0;
    OK(rota_metrics_snapshot(runtime, &asked, &error));
    EQUAL(asked.tenants_needed, 2);
    untouched(&asked, asked.struct_size, sizeof asked);

    /* Of a newer one. */
    struct {
        rota_snapshot known;
        uint64_t more[2];
    } later = {ROTA_SNAPSHOT_INIT, {0, 0}};
    later.known.struct_size = sizeof later;
    OK(rota_metrics_snapshot(runtime, &later.known, &error));
    EQUAL(later.known.tenants_needed, 2);
    later.more[1] = 1;
    RETURNS(rota_metrics_snapshot(runtime, &later.known, &error), wrong_size);
}

static void arrays(rota_runtime *runtime) {
    rota_tenant_metrics tenants[3] = {ROTA_TENANT_METRICS_INIT};
    rota_handler_metrics handlers[1] = {ROTA_HANDLER_METRICS_INIT};
    rota_metrics_value values[1] = {ROTA_METRICS_VALUE_INIT};
    rota_metrics all = ROTA_METRICS_INIT;
    rota_snapshot asked = ROTA_SNAPSHOT_INIT;
    asked.tenants_needed = 99;
#define REFUSES(status, text)                                                                      \
    do {                                                                                           \
        FAILS_SAYING(rota_metrics_snapshot(runtime, &asked, &error), status, text);                \
        EQUAL(asked.tenants_needed, 99);                                                           \
        asked = (rota_snapshot)ROTA_SNAPSHOT_INIT;                                                 \
        asked.tenants_needed = 99;                                                                 \
    } while (0)
    asked.tenants_cap = 1;
    REFUSES(null, "rota_tenant_metrics");
    asked.handlers_cap = 1;
    REFUSES(null, "rota_handler_metrics");
    asked.values_cap = 1;
    REFUSES(null, "rota_metrics_value");
    asked.tenants = (rota_tenant_metrics *)((char *)tenants + 1);
    asked.tenants_cap = 1;
    REFUSES(argument, "aligned");
    asked.tenants = tenants;
    asked.tenants_cap = SIZE_MAX;
    REFUSES(argument, "tenants");
    const size_t sizes[] = {0, 1, 4, 12, sizeof(rota_tenant_metrics) + 4, SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        tenants[0].struct_size = handlers[0].struct_size = values[0].struct_size = sizes[i];
        all.struct_size = sizes[i];
        asked.tenants = tenants;
        asked.tenants_cap = 3;
        REFUSES(wrong_size, "rota_tenant_metrics");
        asked.handlers = handlers;
        asked.handlers_cap = 1;
        REFUSES(wrong_size, "rota_handler_metrics");
        asked.values = values;
        asked.values_cap = 1;
        REFUSES(wrong_size, "rota_metrics_value");
        asked.runtime = &all;
        REFUSES(wrong_size, "rota_metrics");
    }
    EQUAL(tenants[0].counts.submitted, 0);

    /* With room for none of them, pointers are not looked at. */
    asked.tenants = (rota_tenant_metrics *)(uintptr_t)8;
    OK(rota_metrics_snapshot(runtime, &asked, &error));

    /* Too little room: the first ones, and how many there are. */
    asked = (rota_snapshot)ROTA_SNAPSHOT_INIT;
    rota_tenant_metrics *few = not_zero(2 * sizeof *few);
    few->struct_size = sizeof *few;
    asked.tenants = few;
    asked.tenants_cap = 1;
    OK(rota_metrics_snapshot(runtime, &asked, &error));
    EQUAL(asked.tenants_needed, 2);
    CHECK(strcmp(few->label, "a") == 0);
    EQUAL(few->struct_size, sizeof *few);
    untouched(few, sizeof *few, 2 * sizeof *few);
    free(few);

    /* An older caller's structs lie closer together: all but the first are not initialised. */
    size_t stride = offsetof(rota_tenant_metrics, counts);
    char *older = not_zero(3 * stride);
    memcpy(older, &stride, sizeof stride);
    asked.tenants = (rota_tenant_metrics *)(void *)older;
    asked.tenants_cap = 3;
    OK(rota_metrics_snapshot(runtime, &asked, &error));
    const char *labels[] = {"a", "b"};
    for (size_t i = 0; i < 2; i++) {
        size_t size;
        memcpy(&size, older + i * stride, sizeof size);
        EQUAL(size, stride);
        CHECK(strcmp(older + i * stride + offsetof(rota_tenant_metrics, label), labels[i]) == 0);
    }
    untouched(older, 2 * stride, 3 * stride);
    free(older);

    /* A newer one's lie farther apart, and what this version doesn't know is zero. */
    stride = sizeof(rota_tenant_metrics) + 16;
    char *newer = not_zero(2 * stride);
    memcpy(newer, &stride, sizeof stride);
    asked.tenants = (rota_tenant_metrics *)(void *)newer;
    asked.tenants_cap = 2;
    RETURNS(rota_metrics_snapshot(runtime, &asked, &error), wrong_size);
    memset(newer + stride - 16, 0, 16);
    OK(rota_metrics_snapshot(runtime, &asked, &error));
    rota_tenant_metrics second;
    memcpy(&second, newer + stride, sizeof second);
    EQUAL(second.struct_size, stride);
    CHECK(strcmp(second.label, "b") == 0);
    EQUAL(newer[2 * stride - 1], 0);
    free(newer);

    /* The runtime's, as an older caller has it. */
    rota_metrics *part = not_zero(sizeof *part);
    part->struct_size = offsetof(rota_metrics, all);
    asked = (rota_snapshot)ROTA_SNAPSHOT_INIT;
    asked.runtime = part;
    OK(rota_metrics_snapshot(runtime, &asked, &error));
    CHECK(part->at_ns > 0);
    untouched(part, offsetof(rota_metrics, all), sizeof *part);
    free(part);
}

static void texts(rota_runtime *runtime) {
    size_t needed = 99;
    char text[200];
    memset(text, 0xaa, sizeof text);
    RETURNS(rota_metrics_text(NULL, 0, text, 10, &needed, &error), null);
    EQUAL(needed, 0);
    RETURNS(rota_metrics_text(runtime, 0, text, 10, NULL, &error), null);
    needed = 99;
    RETURNS(rota_metrics_text(runtime, 0, NULL, 10, &needed, &error), null);
    EQUAL(needed, 0);
    needed = 99;
    FAILS_SAYING(rota_metrics_text(runtime, 3, text, 10, &needed, &error), argument,
                 "ROTA_METRICS_PROMETHEUS");
    EQUAL(needed, 0);
    RETURNS(rota_metrics_text(runtime, UINT32_MAX, text, 10, &needed, &error), argument);
    RETURNS(rota_metrics_text(runtime, 0, text, SIZE_MAX, &needed, &error), argument);
    untouched(text, 0, sizeof text);
    for (uint32_t format = ROTA_METRICS_PROMETHEUS; format <= ROTA_METRICS_JSON; format++) {
        memset(text, 0xaa, sizeof text);
        OK(rota_metrics_text(runtime, format, text, 100, &needed, &error));
        CHECK(needed > 1000);
        untouched(text, 100, sizeof text);
        CHECK(memchr(text, 0, 100) == NULL && (unsigned char)text[99] != 0xaa);
    }

    needed = 99;
    RETURNS(rota_runtime_decisions_text(NULL, NULL, 0, &needed, &error), null);
    EQUAL(needed, 0);
    RETURNS(rota_runtime_decisions_text(runtime, text, 1, NULL, &error), null);
    RETURNS(rota_runtime_decisions_text(runtime, NULL, 1, &needed, &error), null);
    memset(text, 0xaa, sizeof text);
    OK(rota_runtime_decisions_text(runtime, text, 10, &needed, &error));
    CHECK(needed > 10 && memcmp(text, "device mod", 10) == 0);
    untouched(text, 10, sizeof text);

    rota_decision decision[2];
    memset(decision, 0xaa, sizeof decision);
    needed = 99;
    RETURNS(rota_runtime_get_decisions(NULL, decision, 1, &needed, &error), null);
    EQUAL(needed, 0);
    RETURNS(rota_runtime_get_decisions(runtime, decision, 1, NULL, &error), null);
    RETURNS(rota_runtime_get_decisions(runtime, NULL, 1, &needed, &error), null);
    untouched(decision, 0, sizeof decision);
    OK(rota_runtime_get_decisions(runtime, decision, 1, &needed, &error));
    CHECK(needed >= 1);
    EQUAL(decision[0].action, ROTA_ACTION_MODE_CHOSEN);
    untouched(decision, sizeof *decision, sizeof decision);
}

static void differences(void) {
    rota_metrics later = ROTA_METRICS_INIT, earlier = ROTA_METRICS_INIT, passed = ROTA_METRICS_INIT;
    later.wakes = 3;
    earlier.wakes = 5;
    later.all.submitted = 5;
    earlier.all.submitted = 3;
    RETURNS(rota_metrics_difference(NULL, &earlier, &passed, &error), null);
    RETURNS(rota_metrics_difference(&later, NULL, &passed, &error), null);
    RETURNS(rota_metrics_difference(&later, &earlier, NULL, &error), null);
    later.struct_size = 4;
    RETURNS(rota_metrics_difference(&later, &earlier, &passed, &error), wrong_size);
    later.struct_size = sizeof later;
    earlier.struct_size = 0;
    RETURNS(rota_metrics_difference(&later, &earlier, &passed, &error), wrong_size);
    earlier.struct_size = sizeof earlier;
    passed.struct_size = SIZE_MAX;
    RETURNS(rota_metrics_difference(&later, &earlier, &passed, &error), wrong_size);
    EQUAL(passed.all.submitted, 0);
    passed.struct_size = offsetof(rota_metrics, tenants);
    passed.tenants = 99;
    OK(rota_metrics_difference(&later, &earlier, &passed, &error));
    EQUAL(passed.all.submitted, 2);
    EQUAL(passed.tenants, 99);
    EQUAL(passed.struct_size, offsetof(rota_metrics, tenants));
    passed.struct_size = sizeof passed;
    OK(rota_metrics_difference(&later, &earlier, &passed, &error));
    EQUAL(passed.wakes, 0); /* the two were not of one runtime, or in the wrong order */

    rota_tenant_metrics now = ROTA_TENANT_METRICS_INIT, then = ROTA_TENANT_METRICS_INIT;
    rota_tenant_metrics one = ROTA_TENANT_METRICS_INIT;
    RETURNS(rota_tenant_metrics_difference(NULL, &then, &one, &error), null);
    RETURNS(rota_tenant_metrics_difference(&now, NULL, &one, &error), null);
    RETURNS(rota_tenant_metrics_difference(&now, &then, NULL, &error), null);
    now.struct_size = 0;
    RETURNS(rota_tenant_metrics_difference(&now, &then, &one, &error), wrong_size);
    now.struct_size = sizeof now;
    then.struct_size = 12;
    RETURNS(rota_tenant_metrics_difference(&now, &then, &one, &error), wrong_size);
    then.struct_size = offsetof(rota_tenant_metrics, counts); /* whose counts are none */
    now.counts.submitted = 7;
    then.counts.submitted = 6;
    OK(rota_tenant_metrics_difference(&now, &then, &one, &error));
    EQUAL(one.counts.submitted, 7);
}

static void latencies(rota_tenant *tenant) {
    uint64_t buckets[4];
    memset(buckets, 0xaa, sizeof buckets);
    size_t needed = 99;
    RETURNS(rota_tenant_get_latency(NULL, buckets, 4, &needed, &error), null);
    EQUAL(needed, 0);
    RETURNS(rota_tenant_get_latency(tenant, buckets, 4, NULL, &error), null);
    RETURNS(rota_tenant_get_latency(tenant, NULL, 4, &needed, &error), null);
    uint64_t *odd = (uint64_t *)(void *)((char *)buckets + 1);
    RETURNS(rota_tenant_get_latency(tenant, odd, 1, &needed, &error), argument);
    RETURNS(rota_tenant_get_latency(tenant, buckets, SIZE_MAX, &needed, &error), argument);
    untouched(buckets, 0, sizeof buckets);
    OK(rota_tenant_get_latency(tenant, buckets, 3, &needed, &error));
    EQUAL(needed, ROTA_HISTOGRAM_BUCKETS);
    EQUAL(buckets[0], 0); /* nothing takes 64 ns */
    untouched(buckets, 3 * sizeof *buckets, sizeof buckets);
    EQUAL(rota_latency_bound(ROTA_HISTOGRAM_BUCKETS - 1), UINT64_MAX);
    EQUAL(rota_latency_bound(SIZE_MAX), UINT64_MAX);
}

static void tell_badly(void *user, rota_metrics_sink *sink) {
    ++*(int *)user;
    RETURNS(rota_metrics_tell(NULL, "good", 4, 1, &error), null);
    RETURNS(rota_metrics_tell(sink, NULL, 4, 1, &error), null);
    RETURNS(rota_metrics_tell(sink, "good", 0, 1, &error), argument);
    RETURNS(rota_metrics_tell(sink, "\xff", 1, 1, &error), argument);
    RETURNS(rota_metrics_tell(sink, "good", 5, 1, &error), argument); /* with its zero */
    RETURNS(rota_metrics_tell(sink, "good", SIZE_MAX, 1, &error), argument);
    static const char *const bad[] = {"1a",         "a-b",       "a b",    "\xc3\xa4", "a\n",
                                      "a{b=\"c\"}", "rota_fuel", "rota_x", ":a"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        FAILS_SAYING(rota_metrics_tell(sink, bad[i], strlen(bad[i]), 1, &error), argument,
                     "not a good name");
    char longest[257];
    memset(longest, 'x', sizeof longest);
    RETURNS(rota_metrics_tell(sink, longest, 257, 1, &error), argument);
    OK(rota_metrics_tell(sink, longest, 256, 1, &error));
    OK(rota_metrics_tell(sink, "nan", 3, NAN, &error));
    OK(rota_metrics_tell(sink, "infinite", 8, -INFINITY, &error));
    OK(rota_metrics_tell(sink, "_", 1, 0, &error));
    RETURNS(rota_metrics_tell(sink, "_", 1, 1, &error), argument); /* another has it */
}

static void providers(rota_runtime *runtime) {
    int asked = 0;
    uint64_t provider = 99, second = 0;
    RETURNS(rota_metrics_provider_add(NULL, tell_badly, &asked, &provider, &error), null);
    FAILS_SAYING(rota_metrics_provider_add(runtime, NULL, &asked, &provider, &error), null, "fn");
    RETURNS(rota_metrics_provider_add(runtime, tell_badly, &asked, NULL, &error), null);
    EQUAL(provider, 99);
    RETURNS(rota_metrics_provider_remove(NULL, 1, &error), null);
    RETURNS(rota_metrics_provider_remove(runtime, 0, &error), argument);
    RETURNS(rota_metrics_provider_remove(runtime, 99, &error), argument);

    OK(rota_metrics_provider_add(runtime, tell_badly, &asked, &provider, &error));
    static char text[1 << 18];
    size_t needed = 0;
    OK(rota_metrics_text(runtime, ROTA_METRICS_PROMETHEUS, text, sizeof text, &needed, &error));
    CHECK(needed < sizeof text);
    EQUAL(asked, 1);
    CHECK(strstr(text, "\nnan NaN\n") && strstr(text, "\ninfinite -Inf\n"));
    CHECK(strstr(text, "\n_ 0\n") && strstr(text, "xxxxx 1\n") && !strstr(text, "good"));
    CHECK(!strstr(text, "rota_x") && !strstr(text, "a-b"));
    OK(rota_metrics_text(runtime, ROTA_METRICS_JSON, text, sizeof text, &needed, &error));
    CHECK(needed < sizeof text);
    CHECK(strstr(text, "\"nan\":null") && strstr(text, "\"_\":0"));

    OK(rota_metrics_provider_add(runtime, tell_badly, &asked, &second, &error));
    CHECK(second != provider);
    OK(rota_metrics_provider_remove(runtime, provider, &error));
    RETURNS(rota_metrics_provider_remove(runtime, provider, &error), argument);
    OK(rota_metrics_provider_remove(runtime, second, &error));
    rota_snapshot none = ROTA_SNAPSHOT_INIT;
    OK(rota_metrics_snapshot(runtime, &none, &error));
    EQUAL(asked, 2);
}

static void labels(rota_runtime *runtime) {
    rota_tenant_options options = ROTA_TENANT_OPTIONS_INIT;
    rota_tenant *tenant = NULL;
    options.label = "\xc3(";
    options.label_len = 2;
    FAILS_SAYING(rota_tenant_create(runtime, &options, &tenant, &error), argument, "label");
    options.label = "a";
    options.label_len = 2; /* with its zero */
    RETURNS(rota_tenant_create(runtime, &options, &tenant, &error), argument);
    CHECK(tenant == NULL);

    static const char ugly[] = "a\"b\\c\nd,{}=\xc3\xa9";
    char xs[300], umlauts[300];
    memset(xs, 'x', sizeof xs);
    for (size_t i = 0; i < sizeof umlauts; i += 2)
        memcpy(umlauts + i, "\xc3\xa4", 2);
    labelled(runtime, ugly, sizeof ugly - 1);
    labelled(runtime, "__overflow__", 12);
    labelled(runtime, xs, 300);
    labelled(runtime, xs, 299);
    labelled(runtime, xs, 300);
    labelled(runtime, umlauts, 300);
    labelled(runtime, "", 0);
    rota_tenant_metrics told[10] = {ROTA_TENANT_METRICS_INIT};
    rota_snapshot asked = ROTA_SNAPSHOT_INIT;
    asked.tenants = told;
    asked.tenants_cap = 10;
    OK(rota_metrics_snapshot(runtime, &asked, &error));
    EQUAL(asked.tenants_needed, 8);
    const char *wanted[] = {"", "___overflow__", "a", ugly, "b", "xx", "xx", "\xc3\xa4"};
    size_t of_xs = 0;
    for (size_t i = 0; i < 8; i++) {
        const char *label = told[i].label;
        int cut = i >= 5;
        CHECK(cut ? strncmp(label, wanted[i], 2) == 0 : strcmp(label, wanted[i]) == 0);
        CHECK(!cut || (strlen(label) <= 128 && strlen(label) > 100 && strchr(label, '~')));
        of_xs += label[0] == 'x' ? told[i].tenants : 0;
    }
    EQUAL(of_xs, 3);
    CHECK(strcmp(told[5].label, told[6].label) < 0);

    static char text[1 << 18];
    size_t needed = 0;
    OK(rota_metrics_text(runtime, ROTA_METRICS_PROMETHEUS, text, sizeof text, &needed, &error));
    CHECK(needed < sizeof text);
    CHECK(strstr(text, "{tenant=\"a\\\"b\\\\c\\nd,{}=\xc3\xa9\"} 0\n"));
    CHECK(strstr(text, "{tenant=\"\"} 0\n") && strstr(text, "{tenant=\"___overflow__\"} 0\n"));
    OK(rota_metrics_text(runtime, ROTA_METRICS_JSON, text, sizeof text, &needed, &error));
    CHECK(needed < sizeof text);
    CHECK(strstr(text, "\"a\\\"b\\\\c\\u000ad,{}=\xc3\xa9\""));
}

static void closed(rota_runtime *runtime, rota_tenant *tenant) {
    rota_snapshot asked = ROTA_SNAPSHOT_INIT;
    rota_decision decision;
    uint64_t provider = 99, bucket;
    size_t needed = 99;
    char text[10];
    int asked_times = 0;
    RETURNS(rota_metrics_snapshot((rota_runtime *)tenant, &asked, &error), stale);
    OK(rota_metrics_provider_add(runtime, tell_badly, &asked_times, &provider, &error));
    OK(rota_runtime_destroy(runtime, &error)); /* with a provider that was not removed */
    RETURNS(rota_metrics_snapshot(runtime, &asked, &error), stale);
    RETURNS(rota_metrics_text(runtime, 0, text, sizeof text, &needed, &error), stale);
    EQUAL(needed, 0);
    needed = 99;
    RETURNS(rota_tenant_get_latency(tenant, &bucket, 1, &needed, &error), stale);
    EQUAL(needed, 0);
    needed = 99;
    RETURNS(rota_runtime_get_decisions(runtime, &decision, 1, &needed, &error), stale);
    EQUAL(needed, 0);
    needed = 99;
    RETURNS(rota_runtime_decisions_text(runtime, text, sizeof text, &needed, &error), stale);
    EQUAL(needed, 0);
    RETURNS(rota_metrics_provider_remove(runtime, provider, &error), stale);
    RETURNS(rota_metrics_provider_add(runtime, tell_badly, &asked_times, &provider, &error), stale);
    EQUAL(asked_times, 0);
}

int main(void) {
    rota_runtime_options options = test_options();
    rota_runtime *runtime = NULL;
    options.max_series = 65536;
    FAILS_SAYING(rota_runtime_open(&options, &runtime, &error), argument, "max_series");
    options.max_series = 65535;
    options.reserved = 1;
    FAILS_SAYING(rota_runtime_open(&options, &runtime, &error), argument, "reserved");
    options.reserved = 0;
    options.flags = ROTA_RUNTIME_TRACE << 1;
    FAILS_SAYING(rota_runtime_open(&options, &runtime, &error), argument, "flags");
    CHECK(runtime == NULL);
    options.flags = ROTA_RUNTIME_TRACE;
    OK(rota_runtime_open(&options, &runtime, &error));
    rota_tenant *a = labelled(runtime, "a", 1), *b = labelled(runtime, "b", 1);
    still_works(a);
    snapshots(runtime);
    arrays(runtime);
    texts(runtime);
    differences();
    latencies(a);
    providers(runtime);
    labels(runtime);
    still_works(b);
    closed(runtime, a);
    return 0;
}
