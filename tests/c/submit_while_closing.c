/* Threads submit and poll while their tenant, then their runtime, is stopped and closed under them:
 * each call gives a named status, nothing crashes, hangs, or comes back twice. */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#include "setup.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { THREADS = 4, ROUNDS = 6 };

struct shared {
    rota_tenant *tenant;
    atomic_ulong submitted, taken;
};

static int closed(rota_status status) {
    return status == ROTA_STATUS_INVALID_HANDLE || status == ROTA_STATUS_STOPPED;
}

static void forget_error(void) {
    rota_error_destroy(error);
    error = NULL;
}

static void *submit_until_closed(void *argument) {
    struct shared *shared = argument;
    for (uint32_t i = 0;; i++) {
        rota_job jobs[3] = {nop(i, 1), nop(i, 2), nop(i, 3)};
        size_t accepted = 99;
        rota_status status = rota_submit(shared->tenant, jobs, 3, NULL, &accepted, &error);
        CHECK(accepted <= 3);
        atomic_fetch_add(&shared->submitted, accepted);
        CHECK(status == ROTA_STATUS_OK || status == ROTA_STATUS_WOULD_BLOCK || closed(status));
        if (closed(status))
            break;
    }
    forget_error();
    return NULL;
}

static void *poll_until_closed(void *argument) {
    struct shared *shared = argument;
    for (;;) {
        rota_completion done[8];
        size_t count = 99;
        rota_status status =
            rota_poll(shared->tenant, done, 8, ROTA_WAIT_BLOCK, ROTA_FOREVER, &count, &error);
        CHECK(count <= 8);
        atomic_fetch_add(&shared->taken, count);
        for (size_t c = 0; c < count; c++)
            CHECK(done[c].status == ROTA_COMPLETION_OK ||
                  done[c].status == ROTA_COMPLETION_CANCELLED ||
                  done[c].status == ROTA_COMPLETION_REVOKED);
        if (closed(status))
            break;
        CHECK(status == ROTA_STATUS_OK);
    }
    forget_error();
    return NULL;
}

static void wait_a_moment(void) { nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL); }

/* ending: 0 destroys the tenant, 1 stops the runtime, 2 destroys the runtime at once. */
static void one_round(int ending) {
    rota_runtime *runtime = open_runtime();
    struct shared shared = {.tenant = create_tenant(runtime, 64)};
    pthread_t threads[THREADS];
    for (int t = 0; t < THREADS; t++)
        CHECK(pthread_create(&threads[t], NULL, t % 2 ? poll_until_closed : submit_until_closed,
                             &shared) == 0);
    wait_a_moment();
    if (ending == 0)
        OK(rota_tenant_destroy(shared.tenant, &error));
    else if (ending == 1)
        OK(rota_runtime_stop(runtime, &error));
    else
        OK(rota_runtime_destroy(runtime, &error));
    for (int t = 0; t < THREADS; t++)
        CHECK(pthread_join(threads[t], NULL) == 0);
    CHECK(atomic_load(&shared.taken) <= atomic_load(&shared.submitted));

    if (ending == 1) { /* what nobody took is still there, and all of it */
        rota_completion done;
        size_t count;
        while (rota_poll(shared.tenant, &done, 1, ROTA_WAIT_SPIN, 0, &count, NULL) ==
               ROTA_STATUS_OK)
            atomic_fetch_add(&shared.taken, count);
        EQUAL(atomic_load(&shared.taken), atomic_load(&shared.submitted));
    }
    if (ending != 2)
        OK(rota_runtime_destroy(runtime, &error));
}

int main(void) {
    for (int round = 0; round < ROUNDS; round++)
        one_round(round % 3);
    return 0;
}
