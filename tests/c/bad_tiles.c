/* Tiles: 1 to 2^24 for a tiled job, exactly 1 for a scalar one; the rest is refused when submitted.
 * A split that a tiled handler can't do is a fault. */
#include "setup.h"

static void refused(rota_tenant *tenant, rota_job job) {
    size_t accepted = 99;
    rota_ticket ticket = 0;
    RETURNS(rota_submit(tenant, &job, 1, &ticket, &accepted, &error), ROTA_STATUS_INVALID_TILES);
    EQUAL(accepted, 0);
    EQUAL(ticket, 0);
}

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0);
    rota_buffer buffer = create_buffer(tenant, 4096, 0);
    const uint32_t limit = 1 << 24;

    rota_job scalar = nop(1, 2);
    rota_job tiled = {.opcode = ROTA_OP_FILL, .tiles = 1, .args = {buffer, 0, 1024, 7}};
    const uint32_t never[] = {0, limit + 1, UINT32_C(1) << 31, UINT32_MAX};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        scalar.tiles = tiled.tiles = never[i];
        refused(tenant, scalar);
        refused(tenant, tiled);
    }
    scalar.tiles = 2;
    refused(tenant, scalar);
    still_works(tenant);

    /* More tiles than elements: some have nothing to do, which is no error. */
    tiled.tiles = 5000;
    EQUAL(run_one(tenant, tiled).status, ROTA_COMPLETION_OK);
    uint32_t words[1024];
    OK(rota_buffer_read(tenant, buffer, 0, words, sizeof words, &error));
    for (size_t i = 0; i < 1024; i++)
        EQUAL(words[i], 7);

    /* 16 Mi words in one tile are more than any tile takes; the buffer isn't even looked at. */
    tiled.tiles = 1;
    tiled.args[2] = 1 << 24;
    rota_completion done = run_one(tenant, tiled);
    EQUAL(done.status, ROTA_COMPLETION_FAULTED);
    CHECK(done.fault == ROTA_FAULT_INVALID_TILES || done.fault == ROTA_FAULT_OUT_OF_BOUNDS);

    EQUAL(rota_tiles(ROTA_OP_NOP, 1000000), 1);
    EQUAL(rota_tiles(ROTA_OP_FILL, 0), 1);
    CHECK(rota_tiles(ROTA_OP_FILL, 16 << 20) > 1);
    CHECK(rota_tiles(ROTA_OP_FILL, UINT64_MAX) <= limit);

    still_works(tenant);
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
