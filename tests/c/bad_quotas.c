/* Quotas below what is in use, reservations of what can't be held, and releases of what isn't held:
 * each is refused by name, and nothing changes. */
#include "setup.h"

#define AS(type, handle) ((type *)(void *)(handle))

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 8);
    rota_buffer buffer = create_buffer(tenant, 600, 0);
    rota_reservation *held = NULL;
    OK(rota_tenant_reserve(tenant, ROTA_RESOURCE_SLOTS, 5, &held, &error));
    rota_tenant_counters before = ROTA_TENANT_COUNTERS_INIT, after = ROTA_TENANT_COUNTERS_INIT;
    OK(rota_tenant_get_counters(tenant, &before, &error));

    rota_quota quota = ROTA_QUOTA_INIT;
    quota.slots = 4;
    quota.modules = 3;
    RETURNS(rota_tenant_set_quota(tenant, &quota, &error), ROTA_STATUS_QUOTA_EXCEEDED);
    quota.slots = 5;
    quota.buffer_bytes = 599;
    EQUAL(rota_tenant_set_quota(tenant, &quota, &error), ROTA_STATUS_QUOTA_EXCEEDED);
    EQUAL(rota_error_resource(error), ROTA_RESOURCE_BUFFER_BYTES);
    EQUAL(rota_error_used(error), 600);
    EQUAL(rota_error_cap(error), 599);
    EQUAL(rota_error_retryable(error), 0);
    rota_error_destroy(error);
    error = NULL;
    quota.struct_size = 0;
    RETURNS(rota_tenant_set_quota(tenant, &quota, &error), ROTA_STATUS_INVALID_STRUCT_SIZE);
    rota_tenant_options options = ROTA_TENANT_OPTIONS_INIT;
    options.quota = &quota;
    rota_tenant *none = NULL;
    RETURNS(rota_tenant_create(runtime, &options, &none, &error), ROTA_STATUS_INVALID_STRUCT_SIZE);
    rota_runtime_options of_runtime = test_options();
    of_runtime.quota = &quota;
    rota_runtime *no_runtime = NULL;
    RETURNS(rota_runtime_open(&of_runtime, &no_runtime, &error), ROTA_STATUS_INVALID_STRUCT_SIZE);
    CHECK(none == NULL && no_runtime == NULL);
    RETURNS(rota_tenant_set_quota(NULL, NULL, &error), ROTA_STATUS_NULL_POINTER);

    rota_reservation *more = NULL;
    RETURNS(rota_tenant_reserve(tenant, ROTA_RESOURCE_SLOTS, 4, &more, &error),
            ROTA_STATUS_QUOTA_EXCEEDED);
    RETURNS(rota_tenant_reserve(tenant, ROTA_RESOURCE_SLOTS, UINT64_MAX, &more, &error),
            ROTA_STATUS_QUOTA_EXCEEDED);
    RETURNS(rota_tenant_reserve(tenant, ROTA_RESOURCE_FUEL_PER_JOB, 1, &more, &error),
            ROTA_STATUS_INVALID_ARGUMENT);
    RETURNS(rota_tenant_reserve(tenant, ROTA_RESOURCES, 1, &more, &error),
            ROTA_STATUS_INVALID_ARGUMENT);
    RETURNS(rota_tenant_reserve(tenant, ROTA_RESOURCE_NONE, 1, &more, &error),
            ROTA_STATUS_INVALID_ARGUMENT);
    RETURNS(rota_tenant_reserve(tenant, ROTA_RESOURCE_SLOTS, 1, NULL, &error),
            ROTA_STATUS_NULL_POINTER);
    CHECK(more == NULL);
    OK(rota_tenant_get_counters(tenant, &after, &error));
    EQUAL(after.refused[ROTA_RESOURCE_SLOTS], 2);
    after.refused[ROTA_RESOURCE_SLOTS] = 0;
    CHECK(memcmp(&before, &after, sizeof before) == 0);

    /* Not held: never given out, of another type, released before. */
    int on_the_stack = 0;
    RETURNS(rota_reservation_release(AS(rota_reservation, &on_the_stack), &error),
            ROTA_STATUS_INVALID_HANDLE);
    RETURNS(rota_reservation_release(AS(rota_reservation, tenant), &error),
            ROTA_STATUS_INVALID_HANDLE);
    OK(rota_reservation_release(held, &error));
    RETURNS(rota_reservation_release(held, &error), ROTA_STATUS_INVALID_HANDLE);
    OK(rota_tenant_get_counters(tenant, &after, &error));
    EQUAL(after.used[ROTA_RESOURCE_SLOTS], 0);

    /* What asks for no error object gets none, and what is no error about a quota says so. */
    EQUAL(rota_error_resource(NULL), ROTA_RESOURCE_NONE);
    EQUAL(rota_error_cap(AS(rota_error, tenant)), 0);
    OK(rota_buffer_destroy(tenant, buffer, &error));
    still_works(tenant);
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
