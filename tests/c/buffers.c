/* Memory there and back: what the host writes is seen by jobs submitted afterwards, what jobs wrote
 * is seen once their completions are taken; by write, read, fill, map and import, at every
 * alignment. */
#define _POSIX_C_SOURCE 200809L /* posix_memalign, sysconf */
#include "setup.h"

#include <unistd.h>

enum { BYTES = 1 << 16 };

static uint8_t pattern(size_t i) { return (uint8_t)(i * 31 + (i >> 8)); }

static void write_and_read(rota_tenant *tenant) {
    static uint8_t there[BYTES], back[BYTES];
    rota_buffer buffer = create_buffer(tenant, BYTES, 0);
    for (size_t i = 0; i < BYTES; i++)
        there[i] = pattern(i);
    OK(rota_buffer_write(tenant, buffer, 0, there, BYTES, &error));
    OK(rota_buffer_read(tenant, buffer, 0, back, BYTES, &error));
    CHECK(memcmp(there, back, BYTES) == 0);

    for (size_t offset = 0; offset < 20; offset++) {
        for (size_t length = 0; length < 40; length++) {
            uint8_t bytes[40], expected[64];
            memset(bytes, (int)(offset * 40 + length + 1), sizeof bytes);
            OK(rota_buffer_fill(tenant, buffer, 0, 64, 0xcc, &error));
            OK(rota_buffer_write(tenant, buffer, offset, bytes, length, &error));
            OK(rota_buffer_read(tenant, buffer, 0, back, 64, &error));
            memset(expected, 0xcc, sizeof expected);
            memcpy(expected + offset, bytes, length);
            CHECK(memcmp(expected, back, 64) == 0);
            OK(rota_buffer_fill(tenant, buffer, offset, length, 0x3d, &error));
            OK(rota_buffer_read(tenant, buffer, 0, back, 64, &error));
            memset(expected + offset, 0x3d, length);
            CHECK(memcmp(expected, back, 64) == 0);
        }
    }
    uint64_t size = 0;
    OK(rota_buffer_size(tenant, buffer, &size, &error));
    EQUAL(size, BYTES);
    OK(rota_buffer_destroy(tenant, buffer, &error));
}

static void through_jobs(rota_tenant *tenant) {
    rota_buffer from = create_buffer(tenant, BYTES, 0), to = create_buffer(tenant, BYTES, 0);
    static uint32_t words[BYTES / 4];
    for (uint32_t round = 1; round <= 50; round++) {
        for (size_t i = 0; i < BYTES / 4; i++)
            words[i] = (uint32_t)i * round;
        OK(rota_buffer_write(tenant, from, 0, words, BYTES, &error));
        rota_job copy = {
            .opcode = ROTA_OP_COPY, .tiles = 1 + round % 9, .args = {from, 0, to, 0, BYTES / 4}};
        EQUAL(run_one(tenant, copy).status, ROTA_COMPLETION_OK);
        memset(words, 0, BYTES);
        OK(rota_buffer_read(tenant, to, 0, words, BYTES, &error));
        for (size_t i = 0; i < BYTES / 4; i++)
            EQUAL(words[i], (uint32_t)i * round);
    }
}

static void mapped(rota_tenant *tenant) {
    rota_buffer buffer = create_buffer(tenant, BYTES, 0);
    void *data = NULL;
    uint64_t length = 0;
    rota_status status = rota_buffer_map(tenant, buffer, &data, &length, &error);
    if (status == ROTA_STATUS_UNSUPPORTED) { /* memory that the host can't see */
        RETURNS(status, ROTA_STATUS_UNSUPPORTED);
        return;
    }
    OK(status);
    EQUAL(length, BYTES);
    memset(data, 0, BYTES);
    rota_job fill = {.opcode = ROTA_OP_FILL, .tiles = 3, .args = {buffer, 16, 100, 0x01020304}};
    EQUAL(run_one(tenant, fill).status, ROTA_COMPLETION_OK);
    const uint32_t *words = data;
    for (size_t i = 0; i < BYTES / 4; i++)
        EQUAL(words[i], i >= 16 && i < 116 ? 0x01020304 : 0);
    OK(rota_buffer_unmap(tenant, buffer, &error));
}

static void imported(rota_tenant *tenant) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *memory = NULL;
    CHECK(posix_memalign(&memory, page, 4 * page) == 0);
    memset(memory, 0x5e, 4 * page);
    rota_buffer buffer = 0;
    rota_status odd = rota_buffer_import(tenant, (char *)memory + 1, page, 0, &buffer, &error);
    if (odd != ROTA_STATUS_UNSUPPORTED) {
        RETURNS(odd, ROTA_STATUS_INVALID_ARGUMENT); /* not at the start of a page */
        RETURNS(rota_buffer_import(tenant, memory, 0, 0, &buffer, &error),
                ROTA_STATUS_INVALID_ARGUMENT);
        OK(rota_buffer_import(tenant, memory, 4 * page, 0, &buffer, &error));
        uint32_t words = (uint32_t)page;
        rota_job fill = {.opcode = ROTA_OP_FILL, .tiles = 1, .args = {buffer, 4, words - 8, 0}};
        EQUAL(run_one(tenant, fill).status, ROTA_COMPLETION_OK);
        const uint32_t *seen = memory; /* without a copy: the job wrote here */
        for (size_t i = 0; i < words; i++)
            EQUAL(seen[i], i >= 4 && i < words - 4 ? 0 : 0x5e5e5e5e);
        OK(rota_buffer_destroy(tenant, buffer, &error));
    } else {
        RETURNS(odd, ROTA_STATUS_UNSUPPORTED);
        EQUAL(buffer, 0);
    }
    still_works(tenant);
    OK(rota_tenant_destroy(tenant, &error)); /* only now is the memory surely ours alone */
    free(memory);
}

/* Buffers come and go: the memory of destroyed ones is given out again. */
static void again_and_again(rota_tenant *tenant) {
    for (int round = 0; round < 400; round++) {
        rota_buffer buffer = create_buffer(tenant, 4 << 20, 0);
        rota_job fill = {.opcode = ROTA_OP_FILL, .tiles = 1, .args = {buffer, 0, 64, 1}};
        EQUAL(run_one(tenant, fill).status, ROTA_COMPLETION_OK);
        OK(rota_buffer_destroy(tenant, buffer, &error));
    }
}

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0);
    write_and_read(tenant);
    through_jobs(tenant);
    mapped(tenant);
    again_and_again(tenant);
    imported(create_tenant(runtime, 0));
    still_works(tenant);
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
