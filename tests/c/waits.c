/* Times: 0 doesn't wait, a timeout is kept and gives TIMEOUT with count 0, ROTA_FOREVER does wait,
 * in each way of waiting; and who waits blocked is woken. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime, nanosleep */
#include "setup.h"

#include <pthread.h>
#include <time.h>

static const uint32_t ways[] = {ROTA_WAIT_ADAPTIVE, ROTA_WAIT_SPIN, ROTA_WAIT_BLOCK};
static const uint64_t MS = 1000000;

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 * MS + (uint64_t)time.tv_nsec;
}

static void *submit_later(void *argument) {
    nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
    submit_one(argument, nop(1, 2));
    return NULL;
}

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0);
    rota_buffer busy = create_buffer(tenant, BUSY_BYTES, 0);
    rota_completion done;

    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        size_t count = 99;
        uint64_t start = now();
        RETURNS(rota_poll(tenant, &done, 1, ways[w], 0, &count, &error), ROTA_STATUS_TIMEOUT);
        EQUAL(count, 0);
        CHECK(now() - start < 1000 * MS);

        start = now();
        RETURNS(rota_poll(tenant, &done, 1, ways[w], 50 * MS, &count, &error), ROTA_STATUS_TIMEOUT);
        EQUAL(count, 0);
        CHECK(now() - start >= 50 * MS);
        CHECK(now() - start < 5000 * MS);

        /* A wait that ends too early takes nothing; the next one gets it. */
        rota_job slow[2] = {busy_job(busy), nop(5, 6)};
        slow[1].flags = ROTA_JOB_BARRIER;
        rota_ticket tickets[2];
        size_t accepted;
        OK(rota_submit(tenant, slow, 2, tickets, &accepted, &error));
        rota_status status = rota_wait(tenant, tickets[1], ways[w], 0, &done, &error);
        if (status == ROTA_STATUS_TIMEOUT)
            OK(rota_wait(tenant, tickets[1], ways[w], ROTA_FOREVER, &done, &error));
        else
            OK(status);
        EQUAL(done.results[1], 6);
        OK(rota_wait(tenant, tickets[0], ways[w], 60000 * MS, &done, &error));

        /* Waiting before there is anything submitted. */
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, submit_later, tenant) == 0);
        OK(rota_poll(tenant, &done, 1, ways[w], ROTA_FOREVER, &count, &error));
        EQUAL(count, 1);
        EQUAL(done.results[1], 2);
        CHECK(pthread_join(thread, NULL) == 0);
    }
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
