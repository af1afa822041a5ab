/* A refused job ends its batch: the ones before it stay accepted and run, it and the ones behind it
 * don't, and the count says which. */
#include "setup.h"

enum { JOBS = 9 };

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0);

    for (size_t bad = 0; bad < JOBS; bad++) {
        rota_job jobs[JOBS];
        rota_ticket tickets[JOBS] = {0};
        for (uint32_t i = 0; i < JOBS; i++) {
            jobs[i] = nop(i, 0);
            jobs[i].user_data = i;
        }
        jobs[bad].opcode = bad % 2 ? 0x1fff : ROTA_OP_NOP;
        jobs[bad].tiles = bad % 2 ? 1 : 0;

        size_t accepted = 99;
        RETURNS(rota_submit(tenant, jobs, JOBS, tickets, &accepted, &error),
                bad % 2 ? ROTA_STATUS_INVALID_OPCODE : ROTA_STATUS_INVALID_TILES);
        EQUAL(accepted, bad);
        for (size_t i = 0; i < JOBS; i++) {
            CHECK((tickets[i] != 0) == (i < bad));
            if (i < bad)
                EQUAL(wait_for(tenant, tickets[i]).user_data, i);
        }
        rota_completion done;
        size_t count;
        RETURNS(rota_poll(tenant, &done, 1, ROTA_WAIT_SPIN, 1000000, &count, &error),
                ROTA_STATUS_TIMEOUT);
    }
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
