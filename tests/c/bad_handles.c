/* Handles that were never given out, that are of another type or another tenant's, or stale: all
 * are told apart from good ones, and none is followed. */
#include "setup.h"

#define AS(type, handle) ((type *)(void *)(handle))

int main(void) {
    const rota_status invalid = ROTA_STATUS_INVALID_HANDLE;
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0), *other = create_tenant(runtime, 0);
    rota_outputs *outputs;
    OK(rota_outputs_create(&outputs, &error));

    int on_the_stack = 0;
    void *junk[] = {&on_the_stack, (void *)(uintptr_t)1, (void *)(uintptr_t)0xdeadbeef,
                    (void *)(uintptr_t)UINTPTR_MAX};
    rota_runtime_info info = ROTA_RUNTIME_INFO_INIT;
    rota_outputs_stats stats = ROTA_OUTPUTS_STATS_INIT;
    rota_job job = nop(1, 2);
    rota_completion done;
    rota_ticket ticket = 0;
    size_t accepted = 99, count = 99;
    for (size_t i = 0; i < sizeof junk / sizeof *junk; i++) {
        rota_tenant *no_tenant = NULL;
        RETURNS(rota_runtime_get_info(AS(rota_runtime, junk[i]), &info, &error), invalid);
        RETURNS(rota_runtime_stop(AS(rota_runtime, junk[i]), &error), invalid);
        RETURNS(rota_runtime_destroy(AS(rota_runtime, junk[i]), &error), invalid);
        RETURNS(rota_tenant_create(AS(rota_runtime, junk[i]), NULL, &no_tenant, &error), invalid);
        CHECK(no_tenant == NULL);
        RETURNS(rota_submit(AS(rota_tenant, junk[i]), &job, 1, &ticket, &accepted, &error),
                invalid);
        EQUAL(accepted, 0);
        RETURNS(rota_poll(AS(rota_tenant, junk[i]), &done, 1, 0, 0, &count, &error), invalid);
        EQUAL(count, 0);
        RETURNS(rota_tenant_destroy(AS(rota_tenant, junk[i]), &error), invalid);
        RETURNS(rota_outputs_get_stats(AS(rota_outputs, junk[i]), &stats, &error), invalid);
        RETURNS(rota_outputs_destroy(AS(rota_outputs, junk[i]), &error), invalid);
    }

    /* A handle of one type where another is asked for. */
    RETURNS(rota_submit(AS(rota_tenant, runtime), &job, 1, NULL, &accepted, &error), invalid);
    RETURNS(rota_submit(AS(rota_tenant, outputs), &job, 1, NULL, &accepted, &error), invalid);
    RETURNS(rota_runtime_destroy(AS(rota_runtime, tenant), &error), invalid);
    RETURNS(rota_runtime_destroy(AS(rota_runtime, outputs), &error), invalid);
    RETURNS(rota_tenant_destroy(AS(rota_tenant, runtime), &error), invalid);
    RETURNS(rota_outputs_destroy(AS(rota_outputs, tenant), &error), invalid);

    /* Buffers: never given out, another tenant's, destroyed, and its place used again. */
    char bytes[16] = {0};
    uint64_t size = 0;
    void *mapped;
    rota_buffer own = create_buffer(tenant, 64, 0), others = create_buffer(other, 64, 0);
    rota_buffer stale = create_buffer(tenant, 64, 0);
    OK(rota_buffer_destroy(tenant, stale, &error));
    rota_buffer next = create_buffer(tenant, 64, 0);
    CHECK(next != stale);
    const rota_buffer bad[] = {0, others, stale, UINT32_MAX, 0xffff};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (bad[i] == own || bad[i] == next)
            continue; /* two tenants' numbers may be the same; they are not the same buffers */
        rota_read read = {.buffer = bad[i], .len = 4};
        RETURNS(rota_buffer_write(tenant, bad[i], 0, bytes, 4, &error), invalid);
        RETURNS(rota_buffer_read(tenant, bad[i], 0, bytes, 4, &error), invalid);
        RETURNS(rota_buffer_fill(tenant, bad[i], 0, 4, 1, &error), invalid);
        RETURNS(rota_buffer_map(tenant, bad[i], &mapped, &size, &error), invalid);
        RETURNS(rota_buffer_unmap(tenant, bad[i], &error), invalid);
        RETURNS(rota_buffer_size(tenant, bad[i], &size, &error), invalid);
        RETURNS(rota_buffer_destroy(tenant, bad[i], &error), invalid);
        RETURNS(rota_buffers_read_into(tenant, &read, 1, outputs, &error), invalid);
    }
    OK(rota_buffer_size(other, others, &size, &error));
    EQUAL(size, 64);

    still_works(tenant);
    still_works(other);
    OK(rota_outputs_destroy(outputs, &error));
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
