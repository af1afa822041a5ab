/* NULL for each pointer that must not be NULL gives ROTA_STATUS_NULL_POINTER and changes nothing;
 * those that may be NULL are. */
#include "setup.h"

int main(void) {
    const rota_status null = ROTA_STATUS_NULL_POINTER;
    rota_runtime_options options = test_options();
    RETURNS(rota_runtime_open(&options, NULL, &error), null);
    RETURNS(rota_runtime_open(NULL, NULL, &error), null);
    size_t needed = 0;
    RETURNS(rota_devices_list(NULL, 1, &needed, &error), null);
    RETURNS(rota_devices_list(NULL, 0, NULL, &error), null);

    rota_runtime *runtime = open_runtime();
    rota_runtime_info info = ROTA_RUNTIME_INFO_INIT;
    rota_tenant *tenant = NULL;
    RETURNS(rota_runtime_get_info(NULL, &info, &error), null);
    RETURNS(rota_runtime_get_info(runtime, NULL, &error), null);
    RETURNS(rota_runtime_stop(NULL, &error), null);
    RETURNS(rota_tenant_create(NULL, NULL, &tenant, &error), null);
    RETURNS(rota_tenant_create(runtime, NULL, NULL, &error), null);
    CHECK(tenant == NULL);

    OK(rota_tenant_create(runtime, NULL, &tenant, &error)); /* NULL options: the defaults */
    rota_tenant_options labelled = ROTA_TENANT_OPTIONS_INIT;
    labelled.label_len = 5; /* of no string */
    rota_tenant *none = NULL;
    RETURNS(rota_tenant_create(runtime, &labelled, &none, &error), null);
    CHECK(none == NULL);
    options.device_len = 3;
    rota_runtime *no_runtime = NULL;
    RETURNS(rota_runtime_open(&options, &no_runtime, &error), null);
    options = test_options();
    options.cache_dir_len = 3;
    RETURNS(rota_runtime_open(&options, &no_runtime, &error), null);
    CHECK(no_runtime == NULL);

    int fd = -7;
    RETURNS(rota_tenant_event_fd(NULL, &fd, &error), null);
    RETURNS(rota_tenant_event_fd(tenant, NULL, &error), null);
    EQUAL(fd, -7);

    rota_job job = nop(1, 2);
    rota_ticket ticket = 0;
    size_t accepted = 99;
    RETURNS(rota_submit(NULL, &job, 1, &ticket, &accepted, &error), null);
    EQUAL(accepted, 0); /* counts are written in any case */
    accepted = 99;
    RETURNS(rota_submit(tenant, NULL, 1, &ticket, &accepted, &error), null);
    EQUAL(accepted, 0);
    RETURNS(rota_submit(tenant, &job, 1, &ticket, NULL, &error), null);
    EQUAL(ticket, 0);

    rota_completion done;
    size_t count = 99;
    RETURNS(rota_poll(NULL, &done, 1, ROTA_WAIT_SPIN, 0, &count, &error), null);
    EQUAL(count, 0);
    count = 99;
    RETURNS(rota_poll(tenant, NULL, 1, ROTA_WAIT_SPIN, 0, &count, &error), null);
    EQUAL(count, 0);
    RETURNS(rota_poll(tenant, &done, 1, ROTA_WAIT_SPIN, 0, NULL, &error), null);
    /* None of the jobs above came in. */
    RETURNS(rota_poll(tenant, &done, 1, ROTA_WAIT_SPIN, 0, &count, &error), ROTA_STATUS_TIMEOUT);

    ticket = submit_one(tenant, job);
    uint32_t state;
    RETURNS(rota_wait(NULL, ticket, ROTA_WAIT_SPIN, 0, &done, &error), null);
    RETURNS(rota_wait(tenant, ticket, ROTA_WAIT_SPIN, 0, NULL, &error), null);
    RETURNS(rota_cancel(NULL, ticket, &error), null);
    RETURNS(rota_ticket_state(NULL, ticket, &state, &error), null);
    RETURNS(rota_ticket_state(tenant, ticket, NULL, &error), null);
    EQUAL(wait_for(tenant, ticket).results[1], 2); /* the refused waits didn't take it */

    rota_buffer buffer = 0;
    uint64_t size;
    void *mapped;
    char bytes[16];
    RETURNS(rota_buffer_create(NULL, 64, 0, &buffer, &error), null);
    RETURNS(rota_buffer_create(tenant, 64, 0, NULL, &error), null);
    RETURNS(rota_buffer_import(NULL, bytes, 4096, 0, &buffer, &error), null);
    RETURNS(rota_buffer_import(tenant, NULL, 4096, 0, &buffer, &error), null);
    EQUAL(buffer, 0);
    buffer = create_buffer(tenant, 64, 0);
    RETURNS(rota_buffer_write(NULL, buffer, 0, bytes, 4, &error), null);
    RETURNS(rota_buffer_write(tenant, buffer, 0, NULL, 4, &error), null);
    RETURNS(rota_buffer_read(NULL, buffer, 0, bytes, 4, &error), null);
    RETURNS(rota_buffer_read(tenant, buffer, 0, NULL, 4, &error), null);
    RETURNS(rota_buffer_fill(NULL, buffer, 0, 4, 1, &error), null);
    RETURNS(rota_buffer_map(NULL, buffer, &mapped, &size, &error), null);
    RETURNS(rota_buffer_map(tenant, buffer, NULL, &size, &error), null);
    RETURNS(rota_buffer_unmap(NULL, buffer, &error), null);
    RETURNS(rota_buffer_size(NULL, buffer, &size, &error), null);
    RETURNS(rota_buffer_size(tenant, buffer, NULL, &error), null);
    RETURNS(rota_buffer_destroy(NULL, buffer, &error), null);

    rota_outputs *outputs = NULL;
    rota_read read = {.buffer = buffer, .len = 16};
    const void *data;
    size_t length;
    rota_outputs_stats stats = ROTA_OUTPUTS_STATS_INIT;
    RETURNS(rota_outputs_create(NULL, &error), null);
    OK(rota_outputs_create(&outputs, &error));
    RETURNS(rota_buffers_read_into(NULL, &read, 1, outputs, &error), null);
    RETURNS(rota_buffers_read_into(tenant, NULL, 1, outputs, &error), null);
    RETURNS(rota_buffers_read_into(tenant, &read, 1, NULL, &error), null);
    OK(rota_buffers_read_into(tenant, &read, 1, outputs, &error));
    RETURNS(rota_outputs_get(NULL, 0, &data, &length, &error), null);
    RETURNS(rota_outputs_get(outputs, 0, NULL, &length, &error), null);
    RETURNS(rota_outputs_get(outputs, 0, &data, NULL, &error), null);
    RETURNS(rota_outputs_get_stats(NULL, &stats, &error), null);
    RETURNS(rota_outputs_get_stats(outputs, NULL, &error), null);

    /* Destroying nothing is fine, as it is for free(); so is asking an error that isn't there. */
    OK(rota_runtime_destroy(NULL, &error));
    OK(rota_tenant_destroy(NULL, &error));
    OK(rota_outputs_destroy(NULL, &error));
    rota_error_destroy(NULL);
    EQUAL(rota_error_status(NULL), ROTA_STATUS_OK);
    CHECK(rota_error_message(NULL) != NULL);
    EQUAL(rota_error_vk_result(NULL), 0);
    EQUAL(rota_error_retryable(NULL), 0);

    /* No error pointer: the status alone. */
    RETURNS(rota_submit(tenant, NULL, 1, NULL, &accepted, NULL), null);
    RETURNS(rota_runtime_open(NULL, NULL, NULL), null);

    still_works(tenant);
    OK(rota_outputs_destroy(outputs, &error));
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
