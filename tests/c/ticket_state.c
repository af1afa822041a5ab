/* A ticket is OPEN, then DONE, then TAKEN; asking doesn't change it. */
#include "setup.h"

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0);
    rota_buffer busy = create_buffer(tenant, BUSY_BYTES, 0);
    rota_ticket first = submit_one(tenant, busy_job(busy));
    rota_job after = nop(1, 2);
    after.flags = ROTA_JOB_BARRIER;
    rota_ticket ticket = submit_one(tenant, after);

    uint32_t state = 0;
    OK(rota_ticket_state(tenant, ticket, &state, &error));
    EQUAL(state, ROTA_TICKET_OPEN);
    while (state == ROTA_TICKET_OPEN)
        OK(rota_ticket_state(tenant, ticket, &state, &error));
    EQUAL(state, ROTA_TICKET_DONE);
    OK(rota_ticket_state(tenant, first, &state, &error));
    EQUAL(state, ROTA_TICKET_DONE);

    EQUAL(wait_for(tenant, ticket).status, ROTA_COMPLETION_OK);
    OK(rota_ticket_state(tenant, ticket, &state, &error));
    EQUAL(state, ROTA_TICKET_TAKEN);
    OK(rota_ticket_state(tenant, first, &state, &error));
    EQUAL(state, ROTA_TICKET_DONE);
    EQUAL(wait_for(tenant, first).status, ROTA_COMPLETION_OK);

    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
