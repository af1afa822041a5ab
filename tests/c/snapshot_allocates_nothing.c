/* A snapshot of the metrics uses its memory again: after the first one it asks for none, also where
 * a flight recorder and a provider have something to tell. */
#define _XOPEN_SOURCE 700
#include "recordings.h"

#include "allocations.h"

enum { TENANTS = 20, ROOM = 64 };

static void tell(void *user, rota_metrics_sink *sink) {
    OK(rota_metrics_tell(sink, "queue_depth", 11, ++*(double *)user, &error));
}

int main(void) {
    CHECK(mkdtemp(folder) != NULL);
    const char *log = in_folder("log");
    rota_recorder_options recorder = recorder_into(log);
    rota_runtime *runtime = open_recorded(&recorder);
    uint64_t provider;
    double depth = 0;
    OK(rota_metrics_provider_add(runtime, tell, &depth, &provider, &error));
    rota_tenant *tenants[TENANTS];
    for (int t = 0; t < TENANTS; t++) {
        rota_tenant_options labelled = ROTA_TENANT_OPTIONS_INIT;
        char label[16];
        labelled.label = label;
        labelled.label_len = (size_t)snprintf(label, sizeof label, "tenant %d", t);
        OK(rota_tenant_create(runtime, &labelled, &tenants[t], &error));
    }

    static rota_tenant_metrics rows[ROOM];
    static rota_handler_metrics handlers[ROOM];
    static rota_metrics_value values[ROOM];
    rota_metrics all = ROTA_METRICS_INIT;
    for (int round = 0; round < 5; round++) {
        for (int t = 0; t < TENANTS; t++)
            still_works(tenants[t]);
        rows[0].struct_size = sizeof rows[0];
        handlers[0].struct_size = sizeof handlers[0];
        values[0].struct_size = sizeof values[0];
        rota_snapshot now = ROTA_SNAPSHOT_INIT;
        now.tenants = rows;
        now.handlers = handlers;
        now.values = values;
        now.tenants_cap = now.handlers_cap = now.values_cap = ROOM;
        now.runtime = &all;
        unsigned long before = asked;
        OK(rota_metrics_snapshot(runtime, &now, &error));
        if (round > 0)
            EQUAL(asked - before, 0);
        EQUAL(now.tenants_needed, TENANTS);
        EQUAL(all.all.submitted, (uint64_t)TENANTS * (uint64_t)(round + 1));
        CHECK(all.recorder_records > all.all.submitted);
        CHECK(depth == round + 1);
    }
    OK(rota_runtime_destroy(runtime, &error));
    remove_tree(folder);
    return 0;
}
