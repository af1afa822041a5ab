/* Tickets that are no tickets: 0, never given out, another tenant's, taken already. */
#include "setup.h"

int main(void) {
    const rota_status invalid = ROTA_STATUS_INVALID_TICKET;
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0), *other = create_tenant(runtime, 0);
    rota_ticket open = submit_one(tenant, nop(3, 4));
    rota_ticket foreign = submit_one(other, nop(5, 6));
    CHECK(open != foreign);

    const rota_ticket bad[] = {0, UINT64_MAX, open + (UINT64_C(1) << 20), foreign};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rota_completion done = {.ticket = 77};
        uint32_t state = 77;
        RETURNS(rota_wait(tenant, bad[i], ROTA_WAIT_BLOCK, ROTA_FOREVER, &done, &error), invalid);
        RETURNS(rota_cancel(tenant, bad[i], &error), invalid);
        RETURNS(rota_ticket_state(tenant, bad[i], &state, &error), invalid);
        EQUAL(done.ticket, 77);
        EQUAL(state, 77);
    }
    EQUAL(wait_for(tenant, open).results[0], 3);
    EQUAL(wait_for(other, foreign).results[0], 5);

    /* Taken is taken: waiting again would wait for ever, so it is refused. */
    rota_completion again;
    RETURNS(rota_wait(tenant, open, ROTA_WAIT_BLOCK, ROTA_FOREVER, &again, &error), invalid);
    RETURNS(rota_cancel(tenant, open, &error), invalid);

    still_works(tenant);
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
