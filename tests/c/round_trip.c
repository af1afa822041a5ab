/* A job there and back: its results, its user data and its ticket, by poll and by wait. */
#include "setup.h"

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0);

    for (uint32_t i = 0; i < 1000; i++) {
        rota_job job = nop(i, ~i);
        job.user_data = UINT64_C(0xfedcba9876543210) + i;
        rota_ticket ticket = submit_one(tenant, job);
        rota_completion done;
        if (i % 2 == 0) {
            done = wait_for(tenant, ticket);
        } else {
            size_t count = 0;
            OK(rota_poll(tenant, &done, 1, ROTA_WAIT_SPIN, ROTA_FOREVER, &count, &error));
            EQUAL(count, 1);
        }
        EQUAL(done.ticket, ticket);
        EQUAL(done.user_data, job.user_data);
        EQUAL(done.status, ROTA_COMPLETION_OK);
        EQUAL(done.fault, ROTA_FAULT_NONE);
        EQUAL(done.results[0], i);
        EQUAL(done.results[1], ~i);
    }

    OK(rota_tenant_destroy(tenant, &error));
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
