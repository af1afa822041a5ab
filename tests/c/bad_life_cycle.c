/* Stale and foreign handles and ids, calls in the wrong state, matrices of the wrong size: each is
 * refused by name, and nothing changes. */
#include "setup.h"

#define AS(type, handle) ((type *)(void *)(handle))

int main(void) {
    const rota_status invalid = ROTA_STATUS_INVALID_HANDLE;
    rota_runtime *runtime = open_runtime(), *other = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 8), *gone = create_tenant(runtime, 8);
    rota_tenant *foreign = create_tenant(other, 8), *found = NULL;
    create_tenant(other, 8);
    OK(rota_tenant_destroy(gone, &error));

    int on_the_stack = 0;
    rota_tenant *const bad[] = {gone, AS(rota_tenant, runtime), AS(rota_tenant, &on_the_stack)};
    uint32_t state = 99;
    uint64_t id = 99;
    rota_tenant_counters counters = ROTA_TENANT_COUNTERS_INIT;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        RETURNS(rota_tenant_quiesce(bad[i], 0, &error), invalid);
        RETURNS(rota_tenant_drain(bad[i], 0, &error), invalid);
        RETURNS(rota_tenant_revoke(bad[i], 0, &error), invalid);
        RETURNS(rota_tenant_state(bad[i], &state, &error), invalid);
        RETURNS(rota_tenant_id(bad[i], &id, &error), invalid);
        RETURNS(rota_tenant_get_counters(bad[i], &counters, &error), invalid);
    }
    EQUAL(state, 99);
    EQUAL(id, 99);
    RETURNS(rota_tenant_quiesce(NULL, 0, &error), ROTA_STATUS_NULL_POINTER);
    RETURNS(rota_tenant_state(tenant, NULL, &error), ROTA_STATUS_NULL_POINTER);
    RETURNS(rota_tenant_id(tenant, NULL, &error), ROTA_STATUS_NULL_POINTER);
    RETURNS(rota_tenant_get_counters(tenant, NULL, &error), ROTA_STATUS_NULL_POINTER);

    /* Ids that no tenant has. */
    uint64_t ids[2], none[] = {0, 1, UINT64_MAX};
    OK(rota_tenant_id(tenant, &ids[0], &error));
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        RETURNS(rota_runtime_find_tenant(runtime, none[i], &found, &error), invalid);
    RETURNS(rota_runtime_find_tenant(AS(rota_runtime, tenant), ids[0], &found, &error), invalid);
    RETURNS(rota_runtime_find_tenant(runtime, ids[0], NULL, &error), ROTA_STATUS_NULL_POINTER);
    CHECK(found == NULL);
    size_t needed = 99;
    RETURNS(rota_runtime_tenants(runtime, NULL, 1, &needed, &error), ROTA_STATUS_NULL_POINTER);
    EQUAL(needed, 0);
    RETURNS(rota_runtime_tenants(runtime, ids, 1, NULL, &error), ROTA_STATUS_NULL_POINTER);
    counters.struct_size = 0;
    RETURNS(rota_runtime_get_counters(runtime, &counters, 1, &needed, &error),
            ROTA_STATUS_INVALID_STRUCT_SIZE);
    EQUAL(needed, 0);

    /* Picks that make no sense. */
    const uint8_t marks[9] = {0};
    uint32_t picked[2] = {9, 9};
    size_t count = 99;
    RETURNS(rota_runtime_pick(runtime, ids, 1, marks, 2, picked, &count, &error),
            ROTA_STATUS_INVALID_ARGUMENT);
    EQUAL(count, 0);
    ids[1] = ids[0];
    RETURNS(rota_runtime_pick(runtime, ids, 2, marks, 4, picked, &count, &error),
            ROTA_STATUS_INVALID_ARGUMENT);
    ids[1] = UINT64_MAX;
    RETURNS(rota_runtime_pick(runtime, ids, 2, marks, 4, picked, &count, &error), invalid);
    RETURNS(rota_runtime_pick(runtime, ids, 1, marks, 1, NULL, &count, &error),
            ROTA_STATUS_NULL_POINTER);
    RETURNS(rota_runtime_pick(runtime, NULL, 1, marks, 1, picked, &count, &error),
            ROTA_STATUS_NULL_POINTER);
    EQUAL(picked[0], 9);
    OK(rota_runtime_pick(runtime, NULL, 0, NULL, 0, NULL, &count, &error));
    EQUAL(count, 0);

    /* A second revoke, a drain after it, and a job. */
    still_works(tenant);
    OK(rota_tenant_revoke(tenant, ROTA_FOREVER, &error));
    RETURNS(rota_tenant_revoke(tenant, ROTA_FOREVER, &error), ROTA_STATUS_WRONG_STATE);
    RETURNS(rota_tenant_drain(tenant, ROTA_FOREVER, &error), ROTA_STATUS_WRONG_STATE);
    rota_job job = nop(1, 2);
    size_t accepted = 99;
    RETURNS(rota_submit(tenant, &job, 1, NULL, &accepted, &error), ROTA_STATUS_WRONG_STATE);
    rota_buffer buffer = 0;
    RETURNS(rota_buffer_create(tenant, 64, 0, &buffer, &error), ROTA_STATUS_WRONG_STATE);
    OK(rota_tenant_quiesce(tenant, 0, &error));
    OK(rota_tenant_destroy(tenant, &error));
    RETURNS(rota_tenant_destroy(tenant, &error), invalid);
    still_works(foreign);
    OK(rota_runtime_destroy(other, &error));
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
