/* Positions and stamps wrap after 2^31 jobs: a runtime whose rings start counting just below that
 * carries on across it, scalar, tiled and ordered jobs alike, and tickets stay distinct. */
#include "setup.h"

enum { SLOTS = 32, JOBS = 400 };

int main(void) {
    rota_runtime_options options = test_options();
    options.first_position = 0x7fffffffu - JOBS / 2;
    rota_runtime *runtime = NULL;
    OK(rota_runtime_open(&options, &runtime, &error));
    rota_tenant *tenant = create_tenant(runtime, SLOTS);
    rota_buffer buffer = create_buffer(tenant, 4096, 0);

    rota_ticket tickets[JOBS];
    for (uint32_t i = 0; i < JOBS; i++) {
        rota_job job = nop(i, i + 1);
        if (i % 5 == 0)
            job = (rota_job){
                .opcode = ROTA_OP_FILL, .tiles = 1 + i % 7, .args = {buffer, 0, 1024, i}};
        if (i % 3 == 0)
            job.flags = i % 2 ? ROTA_JOB_BARRIER : ROTA_JOB_AFTER_OK;
        if (i >= SLOTS) { /* the ring is full: take the oldest */
            rota_completion done = wait_for(tenant, tickets[i - SLOTS]);
            EQUAL(done.status, ROTA_COMPLETION_OK);
            if ((i - SLOTS) % 5 != 0)
                EQUAL(done.results[1], i - SLOTS + 1);
        }
        job.user_data = i;
        tickets[i] = submit_one(tenant, job);
        for (uint32_t j = 0; j < i; j++)
            CHECK(tickets[j] != tickets[i]);
        uint32_t state;
        OK(rota_ticket_state(tenant, tickets[i], &state, &error));
        CHECK(state == ROTA_TICKET_OPEN || state == ROTA_TICKET_DONE);
    }
    for (uint32_t i = JOBS - SLOTS; i < JOBS; i++)
        EQUAL(wait_for(tenant, tickets[i]).user_data, i);
    RETURNS(rota_cancel(tenant, tickets[0], &error), ROTA_STATUS_INVALID_TICKET);
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
