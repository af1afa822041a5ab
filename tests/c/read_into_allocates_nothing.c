/* rota_buffers_read_into keeps its allocations: the first use gets memory, later ones of the same
 * shape or smaller get none, and the statistics say what was reused, moved and appended. */
#include "setup.h"

#include "allocations.h"

enum { BUFFERS = 20, BYTES = 4096 };

static void read_all(rota_tenant *tenant, const rota_read *reads, size_t count,
                     rota_outputs *outputs) {
    OK(rota_buffers_read_into(tenant, reads, count, outputs, &error));
    for (size_t i = 0; i < count; i++) {
        const void *data;
        size_t length;
        OK(rota_outputs_get(outputs, i, &data, &length, &error));
        EQUAL(length, reads[i].len);
        const unsigned char *bytes = data;
        for (size_t b = 0; b < length; b++)
            EQUAL(bytes[b], (unsigned char)(reads[i].buffer * 7 + reads[i].offset + b));
    }
}

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0);
    rota_read reads[BUFFERS];
    for (size_t i = 0; i < BUFFERS; i++) {
        unsigned char bytes[BYTES];
        rota_buffer buffer = create_buffer(tenant, BYTES, 0);
        for (size_t b = 0; b < BYTES; b++)
            bytes[b] = (unsigned char)(buffer * 7 + b);
        OK(rota_buffer_write(tenant, buffer, 0, bytes, BYTES, &error));
        reads[i] = (rota_read){.buffer = buffer, .offset = i * 3, .len = 100 + i * 50};
    }

    rota_outputs *outputs;
    rota_outputs_stats stats = ROTA_OUTPUTS_STATS_INIT;
    OK(rota_outputs_create(&outputs, &error));
    unsigned long before = asked;
    read_all(tenant, reads, BUFFERS, outputs);
    CHECK(asked > before); /* so the counter does count */
    OK(rota_outputs_get_stats(outputs, &stats, &error));
    EQUAL(stats.slots_total, BUFFERS);
    EQUAL(stats.slots_appended, BUFFERS);
    EQUAL(stats.slots_reused, 0);

    for (int again = 0; again < 100; again++) {
        before = asked;
        read_all(tenant, reads, BUFFERS, outputs);
        EQUAL(asked, before);
    }
    OK(rota_outputs_get_stats(outputs, &stats, &error));
    EQUAL(stats.slots_total, BUFFERS);
    EQUAL(stats.slots_reused, BUFFERS);
    EQUAL(stats.slots_moved, 0);
    EQUAL(stats.slots_appended, 0);
    uint64_t incoming = 0;
    for (size_t i = 0; i < BUFFERS; i++)
        incoming += reads[i].len;
    EQUAL(stats.bytes_incoming, incoming);
    EQUAL(stats.bytes_copied, incoming);
    CHECK(stats.bytes_retained >= incoming);

    /* Fewer and shorter: what is there is enough. */
    for (size_t i = 0; i < BUFFERS; i++)
        reads[i].len /= 2;
    before = asked;
    read_all(tenant, reads, BUFFERS / 2, outputs);
    EQUAL(asked, before);
    OK(rota_outputs_get_stats(outputs, &stats, &error));
    EQUAL(stats.slots_total, BUFFERS / 2);
    EQUAL(stats.slots_reused, BUFFERS / 2);

    /* One that has outgrown its place, once; then it fits again. */
    reads[0].len = BYTES;
    reads[0].offset = 0;
    read_all(tenant, reads, BUFFERS / 2, outputs);
    before = asked;
    read_all(tenant, reads, BUFFERS / 2, outputs);
    EQUAL(asked, before);

    OK(rota_outputs_destroy(outputs, &error));
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
