/* Zero and huge counts and lengths are refused by name, or mean what they say; nothing is read or
 * written beyond what is there. */
#include "setup.h"

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0);
    const size_t huge[] = {SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / sizeof(rota_job) + 1};
    rota_job job = nop(1, 2);
    rota_completion done;
    size_t accepted = 99, count = 99;

    RETURNS(rota_submit(tenant, &job, 0, NULL, &accepted, &error), ROTA_STATUS_INVALID_ARGUMENT);
    EQUAL(accepted, 0);
    RETURNS(rota_poll(tenant, &done, 0, ROTA_WAIT_SPIN, 0, &count, &error),
            ROTA_STATUS_INVALID_ARGUMENT);
    EQUAL(count, 0);

    rota_outputs *outputs;
    rota_buffer buffer = create_buffer(tenant, 64, 0);
    rota_read read = {.buffer = buffer, .len = 16};
    OK(rota_outputs_create(&outputs, &error));
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        accepted = count = 99;
        RETURNS(rota_submit(tenant, &job, huge[i], NULL, &accepted, &error),
                ROTA_STATUS_INVALID_ARGUMENT);
        EQUAL(accepted, 0);
        RETURNS(rota_poll(tenant, &done, huge[i], ROTA_WAIT_SPIN, 0, &count, &error),
                ROTA_STATUS_INVALID_ARGUMENT);
        EQUAL(count, 0);
        RETURNS(rota_buffers_read_into(tenant, &read, huge[i], outputs, &error),
                ROTA_STATUS_INVALID_ARGUMENT);
        rota_device_info info = ROTA_DEVICE_INFO_INIT;
        RETURNS(rota_devices_list(&info, huge[i], &count, &error), ROTA_STATUS_INVALID_ARGUMENT);
    }
    RETURNS(rota_buffers_read_into(tenant, &read, 0, outputs, &error),
            ROTA_STATUS_INVALID_ARGUMENT);
    const void *data;
    size_t length;
    RETURNS(rota_outputs_get(outputs, 0, &data, &length, &error), ROTA_STATUS_OUT_OF_RANGE);

    /* A read of nothing is a read: one output of length 0. */
    read.len = 0;
    OK(rota_buffers_read_into(tenant, &read, 1, outputs, &error));
    OK(rota_outputs_get(outputs, 0, &data, &length, &error));
    EQUAL(length, 0);
    RETURNS(rota_outputs_get(outputs, 1, &data, &length, &error), ROTA_STATUS_OUT_OF_RANGE);
    RETURNS(rota_outputs_get(outputs, SIZE_MAX, &data, &length, &error), ROTA_STATUS_OUT_OF_RANGE);

    /* A label or a device name that can't be that long. */
    rota_tenant_options options = ROTA_TENANT_OPTIONS_INIT;
    options.label = "x";
    options.label_len = SIZE_MAX;
    rota_tenant *none = NULL;
    RETURNS(rota_tenant_create(runtime, &options, &none, &error), ROTA_STATUS_INVALID_ARGUMENT);
    rota_runtime_options runtime_options = test_options();
    runtime_options.device = "x";
    runtime_options.device_len = SIZE_MAX;
    rota_runtime *no_runtime = NULL;
    RETURNS(rota_runtime_open(&runtime_options, &no_runtime, &error), ROTA_STATUS_INVALID_ARGUMENT);
    options = (rota_tenant_options)ROTA_TENANT_OPTIONS_INIT;
    options.slots = 1000; /* not a power of two */
    RETURNS(rota_tenant_create(runtime, &options, &none, &error), ROTA_STATUS_INVALID_ARGUMENT);
    options.slots = UINT32_C(1) << 31; /* more than any ring memory */
    rota_status status = rota_tenant_create(runtime, &options, &none, &error);
    CHECK(status == ROTA_STATUS_INVALID_ARGUMENT || status == ROTA_STATUS_OUT_OF_RING_MEMORY);
    rota_error_destroy(error);
    error = NULL;
    CHECK(none == NULL && no_runtime == NULL);

    still_works(tenant);
    OK(rota_outputs_destroy(outputs, &error));
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
