/* A buffer that one tenant lets another use: within its rights, and until it is taken back. */
#include "setup.h"

static rota_job sum(rota_buffer buffer) {
    return (rota_job){.opcode = ROTA_OP_SUM_U32, .tiles = 2, .args = {buffer, 0, 64}};
}

static rota_job fill(rota_buffer buffer, uint32_t value) {
    return (rota_job){.opcode = ROTA_OP_FILL, .tiles = 2, .args = {buffer, 0, 64, value}};
}

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *owner = create_tenant(runtime, 0), *other = create_tenant(runtime, 0);
    rota_buffer buffer = create_buffer(owner, 256, 0), granted = 0;
    run_one(owner, fill(buffer, 3));

    /* To read. */
    OK(rota_buffer_grant(owner, buffer, other, ROTA_BUFFER_READ_ONLY, &granted, &error));
    CHECK(granted != 0 && granted != buffer);
    EQUAL(run_one(other, sum(granted)).results[0], 192);
    uint32_t word = 0;
    OK(rota_buffer_read(other, granted, 252, &word, 4, &error));
    EQUAL(word, 3);
    EQUAL(run_one(other, fill(granted, 9)).fault, ROTA_FAULT_READ_ONLY);
    RETURNS(rota_buffer_write(other, granted, 0, &word, 4, &error), ROTA_STATUS_INVALID_ARGUMENT);
    EQUAL(run_one(other, sum(buffer)).fault, ROTA_FAULT_FOREIGN_BUFFER);

    /* Taken back. */
    OK(rota_buffer_take_back(owner, buffer, other, &error));
    EQUAL(run_one(other, sum(granted)).fault, ROTA_FAULT_INVALID_BUFFER);
    RETURNS(rota_buffer_read(other, granted, 0, &word, 4, &error), ROTA_STATUS_INVALID_HANDLE);
    EQUAL(run_one(owner, sum(buffer)).results[0], 192);

    /* To write, and gone with the buffer. */
    OK(rota_buffer_grant(owner, buffer, other, 0, &granted, &error));
    EQUAL(run_one(other, fill(granted, 5)).status, ROTA_COMPLETION_OK);
    EQUAL(run_one(owner, sum(buffer)).results[0], 320);
    OK(rota_buffer_destroy(owner, buffer, &error));
    RETURNS(rota_buffer_read(other, granted, 0, &word, 4, &error), ROTA_STATUS_INVALID_HANDLE);

    /* Gone with a tenant. */
    buffer = create_buffer(owner, 256, 0);
    OK(rota_buffer_grant(owner, buffer, other, 0, &granted, &error));
    OK(rota_tenant_destroy(owner, &error));
    RETURNS(rota_buffer_read(other, granted, 0, &word, 4, &error), ROTA_STATUS_INVALID_HANDLE);
    EQUAL(run_one(other, sum(granted)).fault, ROTA_FAULT_INVALID_BUFFER);
    still_works(other);
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
