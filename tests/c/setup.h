/* What most test programs start from: a runtime, a tenant, one job there and back.
 *
 * ROTA_TEST_MODE in the environment (auto, resident or batch) chooses the mode, so that the same
 * programs run in each. */
#ifndef SETUP_H
#define SETUP_H

#include "check.h"

static inline uint32_t test_mode(void) {
    const char *mode = getenv("ROTA_TEST_MODE");
    if (mode && strcmp(mode, "resident") == 0)
        return ROTA_MODE_RESIDENT;
    if (mode && strcmp(mode, "batch") == 0)
        return ROTA_MODE_BATCH;
    return ROTA_MODE_AUTO;
}

static inline rota_runtime_options test_options(void) {
    rota_runtime_options options = ROTA_RUNTIME_OPTIONS_INIT;
    options.mode = test_mode();
    return options;
}

static inline rota_runtime *open_runtime(void) {
    rota_runtime_options options = test_options();
    rota_runtime *runtime = NULL;
    OK(rota_runtime_open(&options, &runtime, &error));
    CHECK(runtime != NULL);
    return runtime;
}

/* slots: 0 is the runtime's default. */
static inline rota_tenant *create_tenant(rota_runtime *runtime, uint32_t slots) {
    rota_tenant_options options = ROTA_TENANT_OPTIONS_INIT;
    options.slots = slots;
    rota_tenant *tenant = NULL;
    OK(rota_tenant_create(runtime, &options, &tenant, &error));
    CHECK(tenant != NULL);
    return tenant;
}

static inline rota_buffer create_buffer(rota_tenant *tenant, uint64_t bytes, uint32_t flags) {
    rota_buffer buffer = 0;
    OK(rota_buffer_create(tenant, bytes, flags, &buffer, &error));
    CHECK(buffer != 0);
    return buffer;
}

static inline rota_job nop(uint32_t first, uint32_t second) {
    return (rota_job){.opcode = ROTA_OP_NOP, .tiles = 1, .args = {first, second}};
}

/* Submits one job that has to be accepted. */
static inline rota_ticket submit_one(rota_tenant *tenant, rota_job job) {
    rota_ticket ticket = 0;
    size_t accepted = 99;
    OK(rota_submit(tenant, &job, 1, &ticket, &accepted, &error));
    EQUAL(accepted, 1);
    CHECK(ticket != 0);
    return ticket;
}

/* Takes the completion of one job, however long that is. */
static inline rota_completion wait_for(rota_tenant *tenant, rota_ticket ticket) {
    rota_completion done;
    OK(rota_wait(tenant, ticket, ROTA_WAIT_BLOCK, ROTA_FOREVER, &done, &error));
    EQUAL(done.ticket, ticket);
    return done;
}

static inline rota_completion run_one(rota_tenant *tenant, rota_job job) {
    return wait_for(tenant, submit_one(tenant, job));
}

/* Fails unless a NOP job comes back right: whatever was refused before changed nothing. */
static inline void still_works(rota_tenant *tenant) {
    rota_completion done = run_one(tenant, nop(12345, 67890));
    EQUAL(done.status, ROTA_COMPLETION_OK);
    EQUAL(done.results[0], 12345);
    EQUAL(done.results[1], 67890);
}

/* A job that keeps the device busy for some ten milliseconds, over a buffer of busy_bytes. */
enum { BUSY_BYTES = 32 << 20 };
static inline rota_job busy_job(rota_buffer buffer) {
    uint32_t words = BUSY_BYTES / 4;
    return (rota_job){.opcode = ROTA_OP_SUM_U32,
                      .tiles = rota_tiles(ROTA_OP_SUM_U32, words),
                      .args = {buffer, 0, words}};
}

#endif
