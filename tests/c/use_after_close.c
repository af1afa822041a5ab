/* Closing twice and using what is closed: ROTA_STATUS_INVALID_HANDLE each time, also after new
 * objects have taken the old ones' places. */
#include "setup.h"

static void tenant_is_gone(rota_tenant *tenant, rota_buffer buffer, rota_ticket ticket) {
    const rota_status invalid = ROTA_STATUS_INVALID_HANDLE;
    rota_job job = nop(1, 2);
    rota_completion done;
    size_t accepted = 99, count = 99;
    char bytes[4];
    uint32_t state;
    int fd;
    uint64_t size;
    void *mapped;
    RETURNS(rota_submit(tenant, &job, 1, NULL, &accepted, &error), invalid);
    EQUAL(accepted, 0);
    RETURNS(rota_poll(tenant, &done, 1, ROTA_WAIT_BLOCK, ROTA_FOREVER, &count, &error), invalid);
    EQUAL(count, 0);
    RETURNS(rota_wait(tenant, ticket, ROTA_WAIT_BLOCK, ROTA_FOREVER, &done, &error), invalid);
    RETURNS(rota_cancel(tenant, ticket, &error), invalid);
    RETURNS(rota_ticket_state(tenant, ticket, &state, &error), invalid);
    RETURNS(rota_tenant_event_fd(tenant, &fd, &error), invalid);
    RETURNS(rota_buffer_create(tenant, 64, 0, &buffer, &error), invalid);
    RETURNS(rota_buffer_write(tenant, buffer, 0, bytes, 4, &error), invalid);
    RETURNS(rota_buffer_read(tenant, buffer, 0, bytes, 4, &error), invalid);
    RETURNS(rota_buffer_map(tenant, buffer, &mapped, &size, &error), invalid);
    RETURNS(rota_buffer_destroy(tenant, buffer, &error), invalid);
    RETURNS(rota_tenant_destroy(tenant, &error), invalid);
}

int main(void) {
    const rota_status invalid = ROTA_STATUS_INVALID_HANDLE;
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0);
    rota_buffer buffer = create_buffer(tenant, 64, 0);
    rota_ticket ticket = submit_one(tenant, nop(1, 2));
    OK(rota_tenant_destroy(tenant, &error)); /* with a completion that nobody took */
    tenant_is_gone(tenant, buffer, ticket);

    /* The next tenants and their buffers don't answer to the old names. */
    rota_tenant *next = create_tenant(runtime, 0);
    CHECK(next != tenant);
    rota_buffer next_buffer = create_buffer(next, 64, 0);
    for (int i = 0; i < 100; i++)
        OK(rota_tenant_destroy(create_tenant(runtime, 0), &error));
    tenant_is_gone(tenant, buffer, ticket);
    still_works(next);
    (void)next_buffer;

    rota_outputs *outputs;
    rota_read read = {.buffer = next_buffer, .len = 4};
    const void *data;
    size_t length;
    OK(rota_outputs_create(&outputs, &error));
    OK(rota_outputs_destroy(outputs, &error));
    RETURNS(rota_outputs_destroy(outputs, &error), invalid);
    RETURNS(rota_buffers_read_into(next, &read, 1, outputs, &error), invalid);
    RETURNS(rota_outputs_get(outputs, 0, &data, &length, &error), invalid);

    OK(rota_runtime_destroy(runtime, &error));
    tenant_is_gone(next, next_buffer, ticket); /* a runtime takes its tenants with it */
    rota_runtime_info info = ROTA_RUNTIME_INFO_INIT;
    rota_tenant *none = NULL;
    RETURNS(rota_runtime_destroy(runtime, &error), invalid);
    RETURNS(rota_runtime_stop(runtime, &error), invalid);
    RETURNS(rota_runtime_get_info(runtime, &info, &error), invalid);
    RETURNS(rota_tenant_create(runtime, NULL, &none, &error), invalid);
    CHECK(none == NULL);

    rota_runtime *again = open_runtime();
    CHECK(again != runtime);
    RETURNS(rota_runtime_destroy(runtime, &error), invalid);
    still_works(create_tenant(again, 0));
    OK(rota_runtime_stop(again, &error));
    OK(rota_runtime_stop(again, &error)); /* stopping what is stopped changes nothing */
    OK(rota_runtime_destroy(again, &error));
    return 0;
}
