/* The standard handlers against the same loops on the CPU, through the C API, at sizes 0, 1, and on
 * both sides of a tile, cut into 1 to 9 tiles. */
#include "setup.h"

#include <math.h>

enum { WORDS = 40000 };

static uint32_t a[WORDS], b[WORDS], got[WORDS];
static float x[WORDS], y[WORDS], sums[64];

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static rota_completion must_be_ok(rota_tenant *tenant, rota_job job) {
    rota_completion done = run_one(tenant, job);
    if (done.status != ROTA_COMPLETION_OK) {
        fprintf(stderr, "%s:%d: opcode 0x%x, %u tiles: %s, %s\n", __FILE__, __LINE__, job.opcode,
                job.tiles, rota_completion_status_name(done.status), rota_fault_text(done.fault));
        exit(1);
    }
    return done;
}

static void compare_words(rota_tenant *tenant, rota_buffer buffer, const uint32_t *expected) {
    OK(rota_buffer_read(tenant, buffer, 0, got, sizeof got, &error));
    for (size_t i = 0; i < WORDS; i++)
        EQUAL(got[i], expected[i]);
}

static void at_size(rota_tenant *tenant, rota_buffer src, rota_buffer dst, uint32_t count,
                    uint32_t tiles) {
    const uint32_t shift = 3; /* first element */
    for (size_t i = 0; i < WORDS; i++) {
        a[i] = (uint32_t)i * 2654435761u;
        b[i] = 0xb0b0b0b0;
        x[i] = (float)(i % 1000) * 0.25f;
        y[i] = (float)(i % 77);
    }
    OK(rota_buffer_write(tenant, src, 0, a, sizeof a, &error));
    OK(rota_buffer_write(tenant, dst, 0, b, sizeof b, &error));

    must_be_ok(tenant, (rota_job){.opcode = ROTA_OP_COPY,
                                  .tiles = tiles,
                                  .args = {src, shift, dst, shift + 1, count}});
    for (size_t i = 0; i < count; i++)
        b[shift + 1 + i] = a[shift + i];
    compare_words(tenant, dst, b);

    must_be_ok(tenant, (rota_job){.opcode = ROTA_OP_FILL,
                                  .tiles = tiles,
                                  .args = {dst, shift, count, 0xf111f111}});
    for (size_t i = 0; i < count; i++)
        b[shift + i] = 0xf111f111;
    compare_words(tenant, dst, b);

    uint64_t sum = 0;
    uint32_t min = UINT32_MAX, max = 0;
    for (size_t i = shift; i < shift + count; i++) {
        sum += a[i];
        min = a[i] < min ? a[i] : min;
        max = a[i] > max ? a[i] : max;
    }
    rota_completion done = must_be_ok(
        tenant, (rota_job){.opcode = ROTA_OP_SUM_U32, .tiles = tiles, .args = {src, shift, count}});
    EQUAL(done.results[0] | (uint64_t)done.results[1] << 32, sum);
    done = must_be_ok(
        tenant,
        (rota_job){.opcode = ROTA_OP_MIN_MAX_U32, .tiles = tiles, .args = {src, shift, count}});
    EQUAL(done.results[0], min);
    EQUAL(done.results[1], max);

    uint32_t histogram[256] = {0}, counted[256];
    const uint8_t *bytes = (const uint8_t *)a;
    for (size_t i = shift; i < shift + count; i++)
        histogram[bytes[i]]++;
    OK(rota_buffer_fill(tenant, dst, 0, sizeof counted, 0, &error));
    must_be_ok(tenant, (rota_job){.opcode = ROTA_OP_HISTOGRAM_U8,
                                  .tiles = tiles,
                                  .args = {src, shift, count, dst, 0}});
    OK(rota_buffer_read(tenant, dst, 0, counted, sizeof counted, &error));
    for (size_t i = 0; i < 256; i++)
        EQUAL(counted[i], histogram[i]);

    /* Quarters and small integers: exact in float, so the order of adding doesn't matter. */
    OK(rota_buffer_write(tenant, src, 0, x, sizeof x, &error));
    OK(rota_buffer_write(tenant, dst, 0, y, sizeof y, &error));
    must_be_ok(tenant, (rota_job){.opcode = ROTA_OP_SAXPY_F32,
                                  .tiles = tiles,
                                  .args = {src, shift, dst, shift, count, bits_of(2.5f)}});
    OK(rota_buffer_read(tenant, dst, 0, got, sizeof got, &error));
    for (size_t i = 0; i < WORDS; i++) {
        int inside = i >= shift && i < shift + count;
        EQUAL(got[i], bits_of(inside ? y[i] + 2.5f * x[i] : y[i]));
    }

    done = must_be_ok(
        tenant,
        (rota_job){.opcode = ROTA_OP_SUM_F32, .tiles = tiles, .args = {src, shift, count, dst, 0}});
    OK(rota_buffer_read(tenant, dst, 0, sums, sizeof sums, &error));
    double float_sum = 0, exact = 0;
    for (uint32_t t = 0; t < tiles; t++)
        float_sum += sums[t];
    for (size_t i = shift; i < shift + count; i++)
        exact += x[i];
    CHECK(fabs(float_sum - exact) <= exact * 1e-5);
    if (tiles == 1)
        EQUAL(done.results[0], bits_of(sums[0]));
}

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0);
    rota_buffer src = create_buffer(tenant, WORDS * 4, 0);
    rota_buffer dst = create_buffer(tenant, WORDS * 4, 0);
    const uint32_t sizes[] = {0,  1,    2,    7,    8,    9,    63,   64,
                              65, 1023, 1024, 1025, 4095, 4096, 4097, 39990};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        uint32_t usual = rota_tiles(ROTA_OP_SUM_U32, sizes[s]);
        at_size(tenant, src, dst, sizes[s], usual);
        at_size(tenant, src, dst, sizes[s], usual + 1);
        at_size(tenant, src, dst, sizes[s], usual + 8);
    }
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
