/* A full ring gives ROTA_STATUS_WOULD_BLOCK and the number accepted; nothing is lost and nothing
 * unread is overwritten: a slot is free again only when its completion has been taken. */
#include "setup.h"

enum { SLOTS = 16, JOBS = 1000 };

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, SLOTS);
    rota_job jobs[JOBS];
    for (uint32_t i = 0; i < JOBS; i++) {
        jobs[i] = nop(i, i * 3);
        jobs[i].user_data = i;
    }

    rota_ticket tickets[JOBS] = {0};
    size_t accepted = 99, count;
    RETURNS(rota_submit(tenant, jobs, JOBS, tickets, &accepted, &error), ROTA_STATUS_WOULD_BLOCK);
    EQUAL(accepted, SLOTS);
    for (size_t i = 0; i < JOBS; i++)
        CHECK((tickets[i] != 0) == (i < SLOTS));
    RETURNS(rota_submit(tenant, jobs + SLOTS, 1, NULL, &accepted, &error), ROTA_STATUS_WOULD_BLOCK);
    EQUAL(accepted, 0);

    /* Finished but not taken: still no room. */
    uint32_t state = 0;
    while (state != ROTA_TICKET_DONE)
        OK(rota_ticket_state(tenant, tickets[SLOTS - 1], &state, &error));
    RETURNS(rota_submit(tenant, jobs + SLOTS, 1, NULL, &accepted, &error), ROTA_STATUS_WOULD_BLOCK);
    EQUAL(accepted, 0);

    size_t submitted = SLOTS, taken = 0;
    char seen[JOBS] = {0};
    while (taken < JOBS) {
        rota_completion done[5];
        OK(rota_poll(tenant, done, 5, ROTA_WAIT_ADAPTIVE, ROTA_FOREVER, &count, &error));
        CHECK(count >= 1 && count <= 5);
        for (size_t c = 0; c < count; c++) {
            uint64_t job = done[c].user_data;
            CHECK(job < submitted && !seen[job]);
            seen[job] = 1;
            EQUAL(done[c].status, ROTA_COMPLETION_OK);
            EQUAL(done[c].results[0], job);
            EQUAL(done[c].results[1], job * 3);
        }
        taken += count;
        if (submitted == JOBS)
            continue;
        rota_status status = rota_submit(tenant, jobs + submitted, JOBS - submitted,
                                         tickets + submitted, &accepted, &error);
        CHECK(status == ROTA_STATUS_OK || status == ROTA_STATUS_WOULD_BLOCK);
        CHECK(accepted <= count);
        submitted += accepted;
    }
    RETURNS(rota_poll(tenant, &(rota_completion){0}, 1, ROTA_WAIT_SPIN, 0, &count, &error),
            ROTA_STATUS_TIMEOUT);
    EQUAL(count, 0);
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
