/* Three tenants share a device, and one of them asks for all that it can get. Weights say how much
 * each gets of the device, classes who goes first, quotas how much each may hold. Then one tenant
 * lends another a buffer, and the greedy one is revoked.
 *
 *     cc tenants.c $(pkg-config --cflags --libs rota) -o tenants && ./tenants
 *
 * It returns non-zero where something comes out otherwise than it should. */
#define _POSIX_C_SOURCE 199309L
#include <inttypes.h>
#include <rota/rota.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { JOBS = 1024, WORDS = 1000, VALUE = 42 };

static rota_error *error; /* written by a call that fails; the caller owns it */

static void must(rota_status status) {
    if (status == ROTA_STATUS_OK)
        return;
    fprintf(stderr, "tenants: %s\n", error ? rota_error_message(error) : rota_status_text(status));
    rota_error_destroy(error);
    exit(1);
}

static bool right = true;

static void check(bool holds, const char *what) {
    if (!holds)
        fprintf(stderr, "tenants: not so: %s\n", what);
    right = right && holds;
}

/* What a refusal by a quota says. */
static void explain(rota_status status) {
    check(status == ROTA_STATUS_QUOTA_EXCEEDED && error, "a quota refuses it");
    printf("  %s\n", error ? rota_error_message(error) : rota_status_text(status));
    printf("  %s: asked for %" PRIu64 ", in use %" PRIu64 ", allowed %" PRIu64
           ", by the %s's quota%s\n",
           rota_resource_name(rota_error_resource(error)), rota_error_requested(error),
           rota_error_used(error), rota_error_cap(error),
           rota_error_of_runtime(error) ? "runtime" : "tenant",
           rota_error_retryable(error) ? "; worth another try" : "");
    rota_error_destroy(error);
    error = NULL;
}

static rota_tenant *create(rota_runtime *runtime, const char *label, uint32_t weight,
                           uint32_t latency_class, const rota_quota *quota) {
    rota_tenant *tenant;
    rota_tenant_options options = ROTA_TENANT_OPTIONS_INIT;
    options.label = label;
    options.label_len = strlen(label);
    options.weight = weight;
    options.latency_class = latency_class;
    options.quota = quota;
    must(rota_tenant_create(runtime, &options, &tenant, &error));
    return tenant;
}

/* What studio and flooder do all the time: hands in as much as is accepted. The refusal of what is
 * too much is part of normal work, so nobody asks here for an error that would tell of it. */
static void fill(rota_tenant *tenant) {
    static rota_job jobs[JOBS];
    for (size_t i = 0; i < JOBS; i++)
        jobs[i] = (rota_job){.opcode = ROTA_OP_SPIN, .tiles = 1, .args = {2000}};
    size_t accepted;
    rota_status status = rota_submit(tenant, jobs, JOBS, NULL, &accepted, NULL);
    if (status != ROTA_STATUS_WOULD_BLOCK && status != ROTA_STATUS_QUOTA_EXCEEDED)
        must(status);
}

/* Takes what has completed. */
static void take(rota_tenant *tenant) {
    rota_completion room[256];
    size_t count;
    do {
        rota_status status = rota_poll(tenant, room, 256, ROTA_WAIT_SPIN, 0, &count, &error);
        if (status != ROTA_STATUS_TIMEOUT)
            must(status);
    } while (count == 256);
}

static rota_completion run(rota_tenant *tenant, rota_job job) {
    rota_ticket ticket;
    size_t accepted;
    rota_completion done;
    must(rota_submit(tenant, &job, 1, &ticket, &accepted, &error));
    must(rota_wait(tenant, ticket, ROTA_WAIT_ADAPTIVE, ROTA_FOREVER, &done, &error));
    return done;
}

static rota_completion sum(rota_tenant *tenant, rota_buffer words) {
    return run(tenant,
               (rota_job){.opcode = ROTA_OP_SUM_U32, .tiles = 1, .args = {words, 0, WORDS}});
}

static rota_tenant_counters counters_of(rota_tenant *tenant) {
    rota_tenant_counters told = ROTA_TENANT_COUNTERS_INIT;
    must(rota_tenant_get_counters(tenant, &told, &error));
    return told;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int by_size(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* A second in which studio and flooder always have work, and player asks for something small again
 * and again. */
static void share_a_second(rota_tenant *studio, rota_tenant *player, rota_tenant *flooder) {
    static double waited[1 << 20];
    size_t answers = 0;
    for (double end = seconds() + 1; seconds() < end && answers < 1 << 20; answers++) {
        take(studio);
        fill(studio);
        take(flooder);
        fill(flooder);
        double asked = seconds();
        run(player, (rota_job){.opcode = ROTA_OP_NOP, .tiles = 1});
        waited[answers] = seconds() - asked;
    }
    qsort(waited, answers, sizeof *waited, by_size);
    double studios = (double)counters_of(studio).fuel, flooders = (double)counters_of(flooder).fuel;
    printf("  studio   %4.1f %% of the loop iterations\n", 100 * studios / (studios + flooders));
    printf("  flooder  %4.1f %%\n", 100 * flooders / (studios + flooders));
    printf("  player   %zu answers, half of them within %.1f us and 99 %% within %.1f us\n",
           answers, waited[answers / 2] * 1e6, waited[answers * 99 / 100] * 1e6);
    check(studios > flooders, "the heavier tenant gets more");
}

static void lend(rota_tenant *studio, rota_tenant *player) {
    uint32_t words[WORDS];
    for (size_t i = 0; i < WORDS; i++)
        words[i] = VALUE;
    rota_buffer score, lent; /* a name of its own for each of the two */
    must(rota_buffer_create(studio, sizeof words, 0, &score, &error));
    must(rota_buffer_write(studio, score, 0, words, sizeof words, &error));
    must(rota_buffer_grant(studio, score, player, ROTA_BUFFER_READ_ONLY, &lent, &error));

    rota_completion read = sum(player, lent);
    rota_completion write =
        run(player, (rota_job){.opcode = ROTA_OP_FILL, .tiles = 1, .args = {lent, 0, WORDS, 0}});
    must(rota_buffer_take_back(studio, score, player, &error));
    rota_completion after = sum(player, lent);
    must(rota_buffer_destroy(studio, score, &error));
    printf("  its sum           %" PRIu32 "\n", read.results[0]);
    printf("  writing it        %s\n", rota_fault_text(write.fault));
    printf("  when taken back   %s\n", rota_fault_text(after.fault));
    check(read.results[0] == WORDS * VALUE, "the sum is right");
    check(write.fault == ROTA_FAULT_READ_ONLY, "it can't be written");
    check(after.fault == ROTA_FAULT_INVALID_BUFFER, "it can't be used when it was taken back");
}

static void revoke(rota_tenant *flooder) {
    fill(flooder);
    must(rota_tenant_revoke(flooder, ROTA_FOREVER, &error));  /* from here on no job of it begins */
    must(rota_tenant_quiesce(flooder, ROTA_FOREVER, &error)); /* and the last one has ended */
    take(flooder);
    rota_tenant_counters told = counters_of(flooder);
    printf("  of %" PRIu64 " jobs %" PRIu64 " were done, %" PRIu64 " ended as revoked\n",
           told.submitted, told.taken[ROTA_COMPLETION_OK], told.taken[ROTA_COMPLETION_REVOKED]);

    rota_job job = ROTA_JOB_INIT;
    size_t accepted;
    rota_status status = rota_submit(flooder, &job, 1, NULL, &accepted, &error);
    check(status == ROTA_STATUS_WRONG_STATE, "a revoked tenant's job is refused");
    printf("  another job       %s\n", error ? rota_error_message(error) : "was accepted");
    rota_error_destroy(error);
    error = NULL;
}

int main(void) {
    /* All tenants together hold 64 MiB of buffers at most; each has limits of its own too. */
    rota_quota all = ROTA_QUOTA_INIT, players = ROTA_QUOTA_INIT, flooders = ROTA_QUOTA_INIT;
    all.buffer_bytes = 64 << 20;
    players.slots = 8;
    flooders.slots = 512;
    flooders.buffer_bytes = 1 << 20;

    rota_runtime *runtime;
    rota_runtime_options options = ROTA_RUNTIME_OPTIONS_INIT;
    options.quota = &all;
    must(rota_runtime_open(&options, &runtime, &error));
    rota_tenant *studio = create(runtime, "studio", 300, ROTA_CLASS_NORMAL, NULL);
    rota_tenant *player = create(runtime, "player", 100, ROTA_CLASS_INTERACTIVE, &players);
    rota_tenant *flooder = create(runtime, "flooder", 100, ROTA_CLASS_BACKGROUND, &flooders);

    printf("The flooder fills its slots and asks for one more, and for 2 MiB\n");
    fill(flooder);
    rota_job job = {.opcode = ROTA_OP_SPIN, .tiles = 1, .args = {2000}};
    size_t accepted;
    explain(rota_submit(flooder, &job, 1, NULL, &accepted, &error));
    rota_buffer none;
    explain(rota_buffer_create(flooder, 2 << 20, 0, &none, &error));

    printf("One second: studio has weight 300, flooder 100, player is interactive\n");
    share_a_second(studio, player, flooder);
    printf("The studio lends the player a buffer to read\n");
    lend(studio, player);
    printf("The flooder is revoked\n");
    revoke(flooder);
    rota_completion done = run(player, (rota_job){.opcode = ROTA_OP_NOP, .tiles = 1});
    printf("  the player's      %s\n", rota_completion_status_name(done.status));
    check(done.status == ROTA_COMPLETION_OK, "the others go on");
    must(rota_runtime_destroy(runtime, &error)); /* and its tenants */
    return right ? 0 : 1;
}
