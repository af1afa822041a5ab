/* One thread serves everything by epoll: the completions of several tenants, a timer, and Ctrl-C.
 * Nothing spins and nothing polls: between events the thread sleeps.
 *
 *     cc events.c $(pkg-config --cflags --libs rota) -o events && ./events [SECONDS]
 *
 * Each tenant keeps a few jobs in flight: it sums a buffer in many tiles, and hands in the next job
 * when one is done. Every sum is checked.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <rota/rota.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { TENANTS = 3, IN_FLIGHT = 4, WORDS = 1 << 20, TIMER = TENANTS, SIGNAL };

static rota_error *error; /* written by a call that fails; the caller owns it */

static void must(rota_status status) {
    if (status == ROTA_STATUS_OK)
        return;
    fprintf(stderr, "events: %s\n", error ? rota_error_message(error) : rota_status_text(status));
    rota_error_destroy(error);
    exit(1);
}

static int checked(int result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

static void watch(int epoll, int fd, uint32_t who) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = who};
    checked(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

typedef struct client {
    rota_tenant *tenant;
    rota_job job;
    uint64_t sum, done;
    uint32_t in_flight;
} client;

/* A buffer of the tenant's own, and the job that sums it. */
static void open_client(client *client, rota_runtime *runtime, uint32_t number) {
    static uint32_t words[WORDS];
    for (uint32_t i = 0; i < WORDS; i++) {
        words[i] = i * (number + 1);
        client->sum += words[i];
    }
    rota_buffer buffer;
    must(rota_tenant_create(runtime, NULL, &client->tenant, &error));
    must(rota_buffer_create(client->tenant, sizeof words, 0, &buffer, &error));
    must(rota_buffer_write(client->tenant, buffer, 0, words, sizeof words, &error));
    client->job.opcode = ROTA_OP_SUM_U32;
    client->job.tiles = rota_tiles(ROTA_OP_SUM_U32, WORDS);
    client->job.args[0] = buffer;
    client->job.args[2] = WORDS;
}

/* Hands in jobs until enough are in flight. */
static void feed(client *client) {
    for (size_t accepted = 0; client->in_flight < IN_FLIGHT; client->in_flight += accepted)
        must(rota_submit(client->tenant, &client->job, 1, NULL, &accepted, &error));
}

/* Takes what is there. The descriptor is level-triggered: what is left makes it readable again. */
static void take(client *client) {
    rota_completion done[IN_FLIGHT];
    size_t count;
    rota_status status =
        rota_poll(client->tenant, done, IN_FLIGHT, ROTA_WAIT_SPIN, 0, &count, &error);
    if (status != ROTA_STATUS_TIMEOUT)
        must(status);
    for (size_t i = 0; i < count; i++) {
        uint64_t sum = done[i].results[0] | (uint64_t)done[i].results[1] << 32;
        if (done[i].status != ROTA_COMPLETION_OK || sum != client->sum) {
            fprintf(stderr, "events: a sum is %" PRIu64 ", not %" PRIu64 " (%s)\n", sum,
                    client->sum, rota_completion_status_name(done[i].status));
            exit(1);
        }
    }
    client->done += count;
    client->in_flight -= (uint32_t)count;
}

int main(int argc, char **argv) {
    uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 5;

    /* Before the runtime, so that its threads leave Ctrl-C to this one. */
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    sigprocmask(SIG_BLOCK, &stops, NULL);

    rota_runtime *runtime;
    must(rota_runtime_open(NULL, &runtime, &error));
    int epoll = checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    client clients[TENANTS] = {0};
    for (uint32_t i = 0; i < TENANTS; i++) {
        int fd;
        open_client(&clients[i], runtime, i);
        must(rota_tenant_event_fd(clients[i].tenant, &fd, &error));
        watch(epoll, fd, i);
        feed(&clients[i]);
    }
    int timer = checked(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create");
    struct itimerspec every_second = {{1, 0}, {1, 0}};
    checked(timerfd_settime(timer, 0, &every_second, NULL), "timerfd_settime");
    watch(epoll, timer, TIMER);
    watch(epoll, checked(signalfd(-1, &stops, SFD_CLOEXEC), "signalfd"), SIGNAL);

    for (uint64_t passed = 0, before = 0; passed < seconds;) {
        struct epoll_event ready[TENANTS + 2];
        int count = checked(epoll_wait(epoll, ready, TENANTS + 2, -1), "epoll_wait");
        for (int i = 0; i < count; i++) {
            uint32_t who = ready[i].data.u32;
            if (who < TENANTS) {
                take(&clients[who]);
                feed(&clients[who]);
            } else if (who == SIGNAL) {
                printf("stopping\n");
                passed = seconds;
            } else {
                uint64_t ticks, now = 0;
                checked((int)read(timer, &ticks, sizeof ticks), "read");
                passed += ticks;
                for (int c = 0; c < TENANTS; c++)
                    now += clients[c].done;
                printf("%3" PRIu64 " s  %6" PRIu64 " sums of %d words, all right\n", passed,
                       now - before, WORDS);
                before = now;
            }
        }
    }
    must(rota_runtime_destroy(runtime, &error)); /* and its tenants; what is open is cancelled */
    return 0;
}
