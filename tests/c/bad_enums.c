/* Unknown enum values and unknown flags, and reserved fields that aren't zero. */
#include "setup.h"

static void ignore(void *user, uint32_t level, const char *text, size_t length) {
    (void)user, (void)level, (void)text, (void)length;
}

int main(void) {
    const rota_status invalid = ROTA_STATUS_INVALID_ARGUMENT;
    rota_runtime *none = NULL;
    rota_runtime_options options = test_options();
    options.mode = 3;
    FAILS_SAYING(rota_runtime_open(&options, &none, &error), invalid, "mode");
    options.mode = UINT32_MAX;
    RETURNS(rota_runtime_open(&options, &none, &error), invalid);
    options = test_options();
    options.flags = UINT32_C(1) << 31;
    FAILS_SAYING(rota_runtime_open(&options, &none, &error), invalid, "flags");
    CHECK(none == NULL);
    RETURNS(rota_log_set(ignore, NULL, 99, &error), invalid);

    rota_runtime *runtime = open_runtime();
    rota_tenant_options reserved = ROTA_TENANT_OPTIONS_INIT;
    rota_tenant *no_tenant = NULL;
    reserved.reserved = 1;
    RETURNS(rota_tenant_create(runtime, &reserved, &no_tenant, &error), invalid);
    reserved.reserved = 0;
    reserved.latency_class = 3;
    FAILS_SAYING(rota_tenant_create(runtime, &reserved, &no_tenant, &error), invalid,
                 "latency_class");
    reserved.latency_class = ROTA_CLASS_NORMAL;
    reserved.weight = 10001;
    FAILS_SAYING(rota_tenant_create(runtime, &reserved, &no_tenant, &error), invalid, "weight");
    reserved.weight = 0;
    reserved.share_permille = 1001;
    FAILS_SAYING(rota_tenant_create(runtime, &reserved, &no_tenant, &error), invalid, "share");
    reserved.share_permille = 0;
    reserved.group = UINT32_MAX;
    FAILS_SAYING(rota_tenant_create(runtime, &reserved, &no_tenant, &error), invalid, "group");
    reserved.group = 0;
    reserved.opcodes = 65537;
    FAILS_SAYING(rota_tenant_create(runtime, &reserved, &no_tenant, &error), invalid, "65537");
    CHECK(no_tenant == NULL);
    rota_tenant *tenant = create_tenant(runtime, 0);

    for (uint32_t bit = 4; bit < 32; bit++) {
        rota_job job = nop(1, 2);
        /* A job has one class. */
        job.flags = bit == 4 ? ROTA_JOB_NORMAL | ROTA_JOB_BACKGROUND : UINT32_C(1) << bit;
        size_t accepted = 99;
        FAILS_SAYING(rota_submit(tenant, &job, 1, NULL, &accepted, &error), invalid, "flags");
        EQUAL(accepted, 0);
    }

    rota_ticket ticket = submit_one(tenant, nop(1, 2));
    rota_completion done;
    size_t count = 99;
    RETURNS(rota_poll(tenant, &done, 1, 3, 0, &count, &error), invalid);
    EQUAL(count, 0);
    RETURNS(rota_poll(tenant, &done, 1, UINT32_MAX, 0, &count, &error), invalid);
    RETURNS(rota_wait(tenant, ticket, 3, 0, &done, &error), invalid);
    EQUAL(wait_for(tenant, ticket).results[1], 2); /* nobody took it */

    rota_buffer buffer = 0;
    RETURNS(rota_buffer_create(tenant, 64, 2, &buffer, &error), invalid);
    RETURNS(rota_buffer_create(tenant, 64, UINT32_MAX, &buffer, &error), invalid);
    EQUAL(buffer, 0);

    rota_outputs *outputs;
    buffer = create_buffer(tenant, 64, 0);
    rota_read read = {.buffer = buffer, .reserved = 1, .len = 16};
    OK(rota_outputs_create(&outputs, &error));
    RETURNS(rota_buffers_read_into(tenant, &read, 1, outputs, &error), invalid);

    still_works(tenant);
    OK(rota_outputs_destroy(outputs, &error));
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
