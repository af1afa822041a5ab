/* The event descriptor serves an epoll loop: readable while there are completions to take, quiet
 * when there are none, for several tenants at once, and nothing is ever missed. */
#include "setup.h"

#include <sys/epoll.h>

enum { TENANTS = 3, JOBS = 2000 };

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenants[TENANTS];
    uint32_t submitted[TENANTS] = {0}, taken[TENANTS] = {0};
    int fds[TENANTS];
    int epoll = epoll_create1(0);
    CHECK(epoll >= 0);
    for (uint32_t t = 0; t < TENANTS; t++) {
        tenants[t] = create_tenant(runtime, 64);
        OK(rota_tenant_event_fd(tenants[t], &fds[t], &error));
        int again = -1;
        OK(rota_tenant_event_fd(tenants[t], &again, &error));
        EQUAL(fds[t], again); /* the tenant's own, not a new one */
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = t};
        CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[t], &event) == 0);
    }

    struct epoll_event ready[TENANTS];
    EQUAL(epoll_wait(epoll, ready, TENANTS, 20), 0); /* nothing submitted, nothing there */

    uint32_t all = 0;
    for (uint32_t t = 0; t < TENANTS; t++) {
        submit_one(tenants[t], nop(submitted[t]++, t));
    }
    while (all < TENANTS * JOBS) {
        int count = epoll_wait(epoll, ready, TENANTS, 5000);
        CHECK(count > 0); /* else a completion was never announced */
        for (int r = 0; r < count; r++) {
            uint32_t t = ready[r].data.u32;
            rota_completion done[8]; /* often fewer than there are: the descriptor stays readable */
            size_t got;
            rota_status status =
                rota_poll(tenants[t], done, 8, ROTA_WAIT_ADAPTIVE, 0, &got, &error);
            CHECK(status == ROTA_STATUS_OK || status == ROTA_STATUS_TIMEOUT);
            for (size_t c = 0; c < got; c++) {
                EQUAL(done[c].status, ROTA_COMPLETION_OK);
                EQUAL(done[c].results[1], t);
            }
            taken[t] += (uint32_t)got;
            all += (uint32_t)got;
            uint32_t burst = (taken[t] % 7 == 0 ? 20 : 1) + (uint32_t)got;
            for (uint32_t b = 0; b < burst && submitted[t] < JOBS; b++) {
                rota_job job = nop(submitted[t], t);
                size_t accepted;
                status = rota_submit(tenants[t], &job, 1, NULL, &accepted, &error);
                if (status == ROTA_STATUS_WOULD_BLOCK)
                    break;
                OK(status);
                submitted[t]++;
            }
        }
    }
    for (uint32_t t = 0; t < TENANTS; t++) {
        EQUAL(taken[t], JOBS);
        rota_completion done;
        size_t got;
        RETURNS(rota_poll(tenants[t], &done, 1, ROTA_WAIT_SPIN, 0, &got, &error),
                ROTA_STATUS_TIMEOUT);
    }
    EQUAL(epoll_wait(epoll, ready, TENANTS, 20), 0); /* everything taken: quiet again */

    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
