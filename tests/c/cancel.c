/* A job cancelled before it starts completes as CANCELLED and has done nothing; one cancelled too
 * late completes as if nothing had been; either way there is one completion. */
#include "setup.h"

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0);
    rota_buffer busy = create_buffer(tenant, BUSY_BYTES, 0);
    rota_buffer target = create_buffer(tenant, 64, 0);
    OK(rota_buffer_fill(tenant, target, 0, 64, 0, &error));
    rota_runtime_info info = ROTA_RUNTIME_INFO_INIT;
    OK(rota_runtime_get_info(runtime, &info, &error));

    int cancelled = 0;
    for (uint32_t round = 1; round <= 10; round++) {
        /* The second job waits for the first, so that there is time to cancel it. */
        rota_job write = {.opcode = ROTA_OP_FILL,
                          .flags = ROTA_JOB_BARRIER,
                          .tiles = 1,
                          .args = {target, 0, 1, round}};
        rota_job jobs[2] = {busy_job(busy), write};
        rota_ticket tickets[2];
        size_t accepted;
        OK(rota_submit(tenant, jobs, 2, tickets, &accepted, &error));
        OK(rota_cancel(tenant, tickets[1], &error));
        OK(rota_cancel(tenant, tickets[1], &error)); /* twice is as good as once */

        EQUAL(wait_for(tenant, tickets[0]).status, ROTA_COMPLETION_OK);
        rota_completion done = wait_for(tenant, tickets[1]);
        uint32_t word;
        OK(rota_buffer_read(tenant, target, 0, &word, sizeof word, &error));
        if (done.status == ROTA_COMPLETION_CANCELLED) {
            cancelled++;
            CHECK(word != round);
        } else {
            EQUAL(done.status, ROTA_COMPLETION_OK);
            EQUAL(word, round);
        }
    }
    CHECK(cancelled > 0 || info.mode == ROTA_MODE_BATCH);

    /* Too late: done, but not taken. */
    rota_ticket ticket = submit_one(tenant, nop(8, 9));
    uint32_t state = 0;
    while (state != ROTA_TICKET_DONE)
        OK(rota_ticket_state(tenant, ticket, &state, &error));
    OK(rota_cancel(tenant, ticket, &error));
    rota_completion done = wait_for(tenant, ticket);
    EQUAL(done.status, ROTA_COMPLETION_OK);
    EQUAL(done.results[1], 9);

    size_t count;
    RETURNS(rota_poll(tenant, &done, 1, ROTA_WAIT_SPIN, 1000000, &count, &error),
            ROTA_STATUS_TIMEOUT);
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
