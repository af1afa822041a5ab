/* rota_runtime_stop: open jobs complete as CANCELLED, all completions can still be polled, memory
 * can still be read, and what would need the kernel is refused as STOPPED. */
#include "setup.h"

enum { JOBS = 500 };

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0), *other = create_tenant(runtime, 0);
    rota_buffer busy = create_buffer(tenant, BUSY_BYTES, 0);
    rota_job jobs[JOBS];
    jobs[0] = busy_job(busy);
    for (uint32_t i = 1; i < JOBS; i++) {
        jobs[i] = nop(i, i);
        jobs[i].flags = i % 100 == 1 ? ROTA_JOB_BARRIER : 0;
    }
    for (uint32_t i = 0; i < JOBS; i++)
        jobs[i].user_data = i;
    size_t accepted;
    OK(rota_submit(other, jobs + 1, 1, NULL, &accepted, &error));
    OK(rota_submit(tenant, jobs, JOBS, NULL, &accepted, &error));
    EQUAL(accepted, JOBS);
    OK(rota_runtime_stop(runtime, &error));

    char seen[JOBS] = {0};
    size_t taken = 0, cancelled = 0, count;
    rota_completion done[64];
    while (rota_poll(tenant, done, 64, ROTA_WAIT_ADAPTIVE, 0, &count, &error) == ROTA_STATUS_OK) {
        for (size_t c = 0; c < count; c++, taken++) {
            uint64_t job = done[c].user_data;
            CHECK(job < JOBS && !seen[job]);
            seen[job] = 1;
            CHECK(done[c].status == ROTA_COMPLETION_OK ||
                  done[c].status == ROTA_COMPLETION_CANCELLED);
            if (done[c].status == ROTA_COMPLETION_CANCELLED)
                cancelled++;
            else if (job > 0)
                EQUAL(done[c].results[0], job);
        }
    }
    EQUAL(taken, JOBS);
    CHECK(cancelled > 0);
    OK(rota_poll(other, done, 64, ROTA_WAIT_BLOCK, ROTA_FOREVER, &count, &error));
    EQUAL(count, 1);

    RETURNS(rota_submit(tenant, jobs, 1, NULL, &accepted, &error), ROTA_STATUS_STOPPED);
    EQUAL(accepted, 0);
    rota_tenant *none = NULL;
    RETURNS(rota_tenant_create(runtime, NULL, &none, &error), ROTA_STATUS_STOPPED);
    CHECK(none == NULL);
    /* Nothing will ever come: a wait without an end must not hang. */
    RETURNS(rota_poll(tenant, done, 1, ROTA_WAIT_BLOCK, ROTA_FOREVER, &count, &error),
            ROTA_STATUS_STOPPED);
    EQUAL(count, 0);

    OK(rota_tenant_destroy(tenant, &error));
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
