/* Many threads share tenants: producers submit at the same time, pollers take at the same time, and
 * every job is answered exactly once, with its own result. */
#include "setup.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { TENANTS = 2, PRODUCERS = 3, POLLERS = 2, EACH = 5000, JOBS = PRODUCERS * EACH };

struct shared {
    rota_tenant *tenant;
    atomic_uint taken;
    atomic_uchar seen[JOBS];
};

struct producer {
    struct shared *shared;
    uint32_t first;
};

static void *produce(void *argument) {
    struct producer *producer = argument;
    for (uint32_t sent = 0; sent < EACH;) {
        rota_job jobs[7];
        size_t count = 0, accepted;
        for (; count < 7 && sent + count < EACH; count++) {
            uint32_t id = producer->first + sent + (uint32_t)count;
            jobs[count] = nop(id, id ^ 0x5a5a5a5a);
            jobs[count].user_data = id;
        }
        rota_status status =
            rota_submit(producer->shared->tenant, jobs, count, NULL, &accepted, &error);
        CHECK(status == ROTA_STATUS_OK || status == ROTA_STATUS_WOULD_BLOCK);
        sent += (uint32_t)accepted;
        if (accepted == 0)
            sched_yield();
    }
    return NULL;
}

static void *take(void *argument) {
    struct shared *shared = argument;
    while (atomic_load(&shared->taken) < JOBS) {
        rota_completion done[16];
        size_t count;
        rota_status status =
            rota_poll(shared->tenant, done, 16, ROTA_WAIT_ADAPTIVE,
                      1000000 /* ns: the other poller may get the last one */, &count, &error);
        CHECK(status == ROTA_STATUS_OK || status == ROTA_STATUS_TIMEOUT);
        for (size_t c = 0; c < count; c++) {
            uint64_t id = done[c].user_data;
            CHECK(id < JOBS);
            EQUAL(done[c].status, ROTA_COMPLETION_OK);
            EQUAL(done[c].results[0], id);
            EQUAL(done[c].results[1], id ^ 0x5a5a5a5a);
            EQUAL(atomic_fetch_add(&shared->seen[id], 1), 0);
        }
        atomic_fetch_add(&shared->taken, (unsigned)count);
    }
    return NULL;
}

int main(void) {
    rota_runtime *runtime = open_runtime();
    static struct shared shared[TENANTS];
    struct producer producers[TENANTS][PRODUCERS];
    pthread_t threads[TENANTS][PRODUCERS + POLLERS];
    for (int t = 0; t < TENANTS; t++) {
        shared[t].tenant = create_tenant(runtime, 64);
        for (int p = 0; p < PRODUCERS; p++) {
            producers[t][p] = (struct producer){&shared[t], (uint32_t)p * EACH};
            CHECK(pthread_create(&threads[t][p], NULL, produce, &producers[t][p]) == 0);
        }
        for (int p = 0; p < POLLERS; p++)
            CHECK(pthread_create(&threads[t][PRODUCERS + p], NULL, take, &shared[t]) == 0);
    }
    for (int t = 0; t < TENANTS; t++) {
        for (int p = 0; p < PRODUCERS + POLLERS; p++)
            CHECK(pthread_join(threads[t][p], NULL) == 0);
        EQUAL(atomic_load(&shared[t].taken), JOBS);
        for (int i = 0; i < JOBS; i++)
            EQUAL(atomic_load(&shared[t].seen[i]), 1);
    }
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
