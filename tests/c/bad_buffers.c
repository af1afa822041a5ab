/* Buffers: sizes that can't be, ranges past the end from the host and from jobs, and the rights of
 * jobs. What is refused or faults leaves every byte as it was. */
#include "setup.h"

enum { BYTES = 1024 };

static void unchanged(rota_tenant *tenant, rota_buffer buffer, uint8_t value) {
    uint8_t bytes[BYTES];
    OK(rota_buffer_read(tenant, buffer, 0, bytes, BYTES, &error));
    for (size_t i = 0; i < BYTES; i++)
        EQUAL(bytes[i], value);
}

static void faults(rota_tenant *tenant, rota_job job, uint32_t fault) {
    rota_completion done = run_one(tenant, job);
    EQUAL(done.status, ROTA_COMPLETION_FAULTED);
    if (done.fault != fault) {
        fprintf(stderr, "%s:%d: the fault is %s, not %s\n", __FILE__, __LINE__,
                rota_fault_name(done.fault), rota_fault_name(fault));
        exit(1);
    }
}

static void from_the_host(rota_tenant *tenant, rota_buffer buffer) {
    const rota_status out = ROTA_STATUS_OUT_OF_RANGE;
    static char bytes[2 * BYTES];
    const struct {
        uint64_t offset;
        size_t length;
    } bad[] = {{0, BYTES + 1},         {1, BYTES},      {BYTES, 1},
               {BYTES + 1, 0},         {UINT64_MAX, 1}, {UINT64_MAX - 3, 8},
               {UINT64_C(1) << 32, 4}, {BYTES - 4, 5}};
    rota_outputs *outputs;
    OK(rota_outputs_create(&outputs, &error));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rota_read read = {.buffer = buffer, .offset = bad[i].offset, .len = bad[i].length};
        RETURNS(rota_buffer_write(tenant, buffer, bad[i].offset, bytes, bad[i].length, &error),
                out);
        RETURNS(rota_buffer_read(tenant, buffer, bad[i].offset, bytes, bad[i].length, &error), out);
        RETURNS(rota_buffer_fill(tenant, buffer, bad[i].offset, bad[i].length, 1, &error), out);
        RETURNS(rota_buffers_read_into(tenant, &read, 1, outputs, &error), out);
    }
    RETURNS(rota_buffer_fill(tenant, buffer, 0, UINT64_MAX, 1, &error), out);
    RETURNS(rota_buffer_fill(tenant, buffer, 8, UINT64_MAX - 4, 1, &error), out);
    /* At the very end, nothing is something that can be done. */
    OK(rota_buffer_write(tenant, buffer, BYTES, bytes, 0, &error));
    OK(rota_buffer_read(tenant, buffer, BYTES, bytes, 0, &error));
    OK(rota_outputs_destroy(outputs, &error));
}

static void from_jobs(rota_tenant *tenant, rota_tenant *other, rota_buffer buffer) {
    rota_buffer source = create_buffer(tenant, BYTES, 0);
    rota_buffer read_only = create_buffer(tenant, BYTES, ROTA_BUFFER_READ_ONLY);
    /* Another tenant's, with a number that is none of this tenant's. */
    rota_buffer foreign = 0;
    for (int i = 0; i < 8; i++)
        foreign = create_buffer(other, BYTES, 0);
    rota_buffer destroyed = create_buffer(tenant, BYTES, 0);
    OK(rota_buffer_destroy(tenant, destroyed, &error));
    OK(rota_buffer_fill(tenant, read_only, 0, BYTES, 0x66, &error)); /* the host may write */
    OK(rota_buffer_fill(other, foreign, 0, BYTES, 0x77, &error));

    rota_job fill = {.opcode = ROTA_OP_FILL, .tiles = 1, .args = {buffer, 0, BYTES / 4 + 1, 7}};
    faults(tenant, fill, ROTA_FAULT_OUT_OF_BOUNDS);
    fill.args[1] = BYTES / 4;
    fill.args[2] = 1;
    faults(tenant, fill, ROTA_FAULT_OUT_OF_BOUNDS);
    fill.args[1] = UINT32_MAX;
    faults(tenant, fill, ROTA_FAULT_OUT_OF_BOUNDS);
    fill.args[1] = UINT32_C(1) << 30; /* 2^32 bytes on: must not wrap to the start */
    faults(tenant, fill, ROTA_FAULT_OUT_OF_BOUNDS);

    fill = (rota_job){.opcode = ROTA_OP_FILL, .tiles = 1, .args = {read_only, 0, 4, 7}};
    faults(tenant, fill, ROTA_FAULT_READ_ONLY);
    fill.args[0] = 0;
    faults(tenant, fill, ROTA_FAULT_INVALID_BUFFER);
    fill.args[0] = destroyed;
    faults(tenant, fill, ROTA_FAULT_INVALID_BUFFER);
    fill.args[0] = UINT32_MAX;
    faults(tenant, fill, ROTA_FAULT_INVALID_BUFFER);
    fill.args[0] = foreign;
    rota_completion done = run_one(tenant, fill);
    EQUAL(done.status, ROTA_COMPLETION_FAULTED);
    CHECK(done.fault == ROTA_FAULT_FOREIGN_BUFFER || done.fault == ROTA_FAULT_INVALID_BUFFER);

    rota_job copy = {.opcode = ROTA_OP_COPY, .tiles = 1, .args = {foreign, 0, source, 0, 4}};
    done = run_one(tenant, copy); /* reading what is another's is no better */
    EQUAL(done.status, ROTA_COMPLETION_FAULTED);
    copy =
        (rota_job){.opcode = ROTA_OP_COPY, .tiles = 1, .args = {source, 1, source, 0, BYTES / 4}};
    faults(tenant, copy, ROTA_FAULT_OUT_OF_BOUNDS);

    rota_job scan = {.opcode = ROTA_OP_SCAN_DFA,
                     .tiles = 1,
                     .args = {source, 0, 16, buffer /* no table */, source, 0}};
    faults(tenant, scan, ROTA_FAULT_INVALID_DATA);

    unchanged(tenant, read_only, 0x66);
    unchanged(other, foreign, 0x77);
    copy = (rota_job){.opcode = ROTA_OP_COPY, .tiles = 1, .args = {read_only, 0, source, 0, 16}};
    EQUAL(run_one(tenant, copy).status, ROTA_COMPLETION_OK); /* reading is what it is for */
}

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0), *other = create_tenant(runtime, 0);

    rota_buffer none = 0;
    RETURNS(rota_buffer_create(tenant, 0, 0, &none, &error), ROTA_STATUS_INVALID_ARGUMENT);
    const uint64_t huge[] = {UINT64_MAX, UINT64_C(1) << 62, UINT64_C(1) << 40};
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        rota_status status = rota_buffer_create(tenant, huge[i], 0, &none, &error);
        CHECK(status == ROTA_STATUS_INVALID_ARGUMENT || status == ROTA_STATUS_OUT_OF_RANGE ||
              status == ROTA_STATUS_OUT_OF_DEVICE_MEMORY);
        CHECK(error != NULL && rota_error_status(error) == status);
        rota_error_destroy(error);
        error = NULL;
    }
    EQUAL(none, 0);

    rota_buffer before = create_buffer(tenant, BYTES, 0), buffer = create_buffer(tenant, BYTES, 0),
                after = create_buffer(tenant, BYTES, 0);
    OK(rota_buffer_fill(tenant, before, 0, BYTES, 0x11, &error));
    OK(rota_buffer_fill(tenant, buffer, 0, BYTES, 0x22, &error));
    OK(rota_buffer_fill(tenant, after, 0, BYTES, 0x33, &error));
    from_the_host(tenant, buffer);
    unchanged(tenant, buffer, 0x22);
    from_jobs(tenant, other, buffer);
    unchanged(tenant, before, 0x11); /* neighbours in the segment */
    unchanged(tenant, after, 0x33);

    /* Unmapping what isn't mapped, and a map that is still there when its buffer goes. */
    void *data;
    uint64_t length;
    RETURNS(rota_buffer_unmap(tenant, buffer, &error), ROTA_STATUS_WRONG_STATE);
    rota_status mapped = rota_buffer_map(tenant, buffer, &data, &length, &error);
    if (mapped == ROTA_STATUS_OK) {
        EQUAL(length, BYTES);
        OK(rota_buffer_unmap(tenant, buffer, &error));
        RETURNS(rota_buffer_unmap(tenant, buffer, &error), ROTA_STATUS_WRONG_STATE);
    } else {
        RETURNS(mapped, ROTA_STATUS_UNSUPPORTED);
    }

    still_works(tenant);
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
