/* Quotas: what is refused, what the error tells, and that everything comes back. */
#include "setup.h"

/* The call is refused by a quota, and the error says which and how. */
static void refused(rota_status status, uint32_t resource, uint64_t requested, uint64_t used,
                    uint64_t cap, uint32_t of_runtime, uint32_t retryable) {
    EQUAL(status, ROTA_STATUS_QUOTA_EXCEEDED);
    CHECK(error != NULL && strlen(rota_error_message(error)) > 20);
    EQUAL(rota_error_resource(error), resource);
    EQUAL(rota_error_requested(error), requested);
    EQUAL(rota_error_used(error), used);
    EQUAL(rota_error_cap(error), cap);
    EQUAL(rota_error_of_runtime(error), of_runtime);
    EQUAL(rota_error_retryable(error), retryable);
    rota_error_destroy(error);
    error = NULL;
}

int main(void) {
    rota_quota all = ROTA_QUOTA_INIT, own = ROTA_QUOTA_INIT;
    all.buffers = 3;
    own.slots = 2;
    own.buffer_bytes = 1000;
    own.staging_bytes = 100;
    own.fuel_per_job = 50;
    rota_runtime_options options = test_options();
    options.quota = &all;
    rota_runtime *runtime = NULL;
    OK(rota_runtime_open(&options, &runtime, &error));
    rota_tenant_options of_tenant = ROTA_TENANT_OPTIONS_INIT;
    of_tenant.slots = 8;
    of_tenant.quota = &own;
    rota_tenant *tenant = NULL;
    OK(rota_tenant_create(runtime, &of_tenant, &tenant, &error));

    /* Slots, until they are taken. */
    rota_job jobs[3] = {nop(1, 2), nop(3, 4), nop(5, 6)};
    rota_ticket tickets[3];
    size_t accepted = 99;
    refused(rota_submit(tenant, jobs, 3, tickets, &accepted, &error), ROTA_RESOURCE_SLOTS, 1, 2, 2,
            0, 1);
    EQUAL(accepted, 2);
    wait_for(tenant, tickets[0]);
    wait_for(tenant, tickets[1]);
    still_works(tenant);

    /* Fuel: more is refused, and the default is lowered. */
    rota_job spin = {.opcode = ROTA_OP_SPIN, .tiles = 1, .fuel = 51, .args = {10, 7}};
    refused(rota_submit(tenant, &spin, 1, NULL, &accepted, &error), ROTA_RESOURCE_FUEL_PER_JOB, 51,
            0, 50, 0, 0);
    spin.fuel = 0;
    spin.args[0] = 1000;
    EQUAL(run_one(tenant, spin).fault, ROTA_FAULT_FUEL_EXHAUSTED);

    /* Bytes and buffers, the tenant's and everybody's. */
    rota_buffer buffer = create_buffer(tenant, 600, 0), none = 0;
    refused(rota_buffer_create(tenant, 401, 0, &none, &error), ROTA_RESOURCE_BUFFER_BYTES, 401, 600,
            1000, 0, 0);
    create_buffer(tenant, 1, 0);
    create_buffer(tenant, 1, 0);
    refused(rota_buffer_create(tenant, 1, 0, &none, &error), ROTA_RESOURCE_BUFFERS, 1, 3, 3, 1, 0);
    EQUAL(none, 0);
    OK(rota_buffer_destroy(tenant, buffer, &error));
    buffer = create_buffer(tenant, 900, 0);

    /* Copies, while they last; a reservation holds as much. */
    char bytes[101] = {0};
    refused(rota_buffer_write(tenant, buffer, 0, bytes, 101, &error), ROTA_RESOURCE_STAGING_BYTES,
            101, 0, 100, 0, 0);
    OK(rota_buffer_write(tenant, buffer, 0, bytes, 100, &error));
    rota_reservation *held = NULL;
    OK(rota_tenant_reserve(tenant, ROTA_RESOURCE_STAGING_BYTES, 60, &held, &error));
    refused(rota_buffer_read(tenant, buffer, 0, bytes, 41, &error), ROTA_RESOURCE_STAGING_BYTES, 41,
            60, 100, 0, 1);
    OK(rota_reservation_release(held, &error));
    OK(rota_buffer_read(tenant, buffer, 0, bytes, 100, &error));

    /* What is in use, and what was refused. */
    rota_tenant_counters counters = ROTA_TENANT_COUNTERS_INIT;
    OK(rota_tenant_get_counters(tenant, &counters, &error));
    EQUAL(counters.used[ROTA_RESOURCE_BUFFERS], 3);
    EQUAL(counters.used[ROTA_RESOURCE_BUFFER_BYTES], 902);
    EQUAL(counters.used[ROTA_RESOURCE_STAGING_BYTES], 0);
    EQUAL(counters.cap[ROTA_RESOURCE_SLOTS], 2);
    EQUAL(counters.cap[ROTA_RESOURCE_MODULES], ROTA_UNLIMITED);
    const uint64_t times[ROTA_RESOURCES] = {1, 2, 1, 1, 0, 1, 0};
    for (size_t i = 0; i < ROTA_RESOURCES; i++)
        EQUAL(counters.refused[i], times[i]);
    EQUAL(counters.bytes_in, 100);
    EQUAL(counters.bytes_out, 100);

    /* More, less, and none at all. */
    OK(rota_tenant_set_quota(tenant, NULL, &error));
    spin.fuel = 1001;
    EQUAL(run_one(tenant, spin).status, ROTA_COMPLETION_OK);
    rota_quota no_fuel = ROTA_QUOTA_INIT;
    no_fuel.fuel_per_second = 0;
    OK(rota_tenant_set_quota(tenant, &no_fuel, &error));
    refused(rota_submit(tenant, jobs, 1, NULL, &accepted, &error), ROTA_RESOURCE_FUEL_PER_SECOND, 1,
            0, 0, 0, 0);
    EQUAL(accepted, 0);
    OK(rota_tenant_set_quota(tenant, NULL, &error));
    still_works(tenant);

    /* A reservation outlives its tenant and its runtime. */
    OK(rota_tenant_reserve(tenant, ROTA_RESOURCE_SLOTS, 3, &held, &error));
    OK(rota_runtime_destroy(runtime, &error));
    OK(rota_reservation_release(held, &error));
    OK(rota_reservation_release(NULL, &error));
    return 0;
}
