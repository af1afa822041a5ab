/* 64 bits of user data come back with the job that they were given to, whatever they are; many jobs
 * at once, their completions in any order. */
#include "setup.h"

enum { JOBS = 512 };

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0);
    rota_job jobs[JOBS];
    rota_ticket tickets[JOBS];
    static rota_completion done[JOBS];
    size_t accepted;

    for (uint32_t i = 0; i < JOBS; i++) {
        jobs[i] = nop(i, 0);
        jobs[i].user_data = i == 0 ? UINT64_MAX : i == 1 ? 0 : i * UINT64_C(0x9e3779b97f4a7c15);
    }
    OK(rota_submit(tenant, jobs, JOBS, tickets, &accepted, &error));
    EQUAL(accepted, JOBS);

    char seen[JOBS] = {0};
    for (size_t taken = 0; taken < JOBS;) {
        size_t count;
        OK(rota_poll(tenant, done, JOBS, ROTA_WAIT_ADAPTIVE, ROTA_FOREVER, &count, &error));
        CHECK(count >= 1 && count <= JOBS - taken);
        for (size_t c = 0; c < count; c++) {
            uint32_t job = done[c].results[0];
            CHECK(job < JOBS && !seen[job]);
            seen[job] = 1;
            EQUAL(done[c].user_data, jobs[job].user_data);
            EQUAL(done[c].ticket, tickets[job]);
        }
        taken += count;
    }

    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
