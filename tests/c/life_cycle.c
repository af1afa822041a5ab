/* Quiesce, drain, revoke, destroy; ids, counters of all tenants, and who goes together. */
#include "setup.h"

static uint32_t state_of(rota_tenant *tenant) {
    uint32_t state = 99;
    OK(rota_tenant_state(tenant, &state, &error));
    return state;
}

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenants[3];
    uint64_t ids[3], listed[4] = {0};
    for (size_t i = 0; i < 3; i++) {
        tenants[i] = create_tenant(runtime, 64);
        OK(rota_tenant_id(tenants[i], &ids[i], &error));
        CHECK(ids[i] != 0);
        rota_tenant *found = NULL;
        OK(rota_runtime_find_tenant(runtime, ids[i], &found, &error));
        CHECK(found == tenants[i]);
        EQUAL(state_of(tenants[i]), ROTA_TENANT_ACTIVE);
    }
    size_t needed = 0;
    OK(rota_runtime_tenants(runtime, NULL, 0, &needed, &error));
    EQUAL(needed, 3);
    OK(rota_runtime_tenants(runtime, listed, 4, &needed, &error));
    for (size_t i = 0; i < 3; i++) {
        CHECK(i == 0 || listed[i - 1] < listed[i]);
        CHECK(listed[i] == ids[0] || listed[i] == ids[1] || listed[i] == ids[2]);
    }
    EQUAL(listed[3], 0);

    /* Two of three that conflict with the first go together; then it is the first's turn. */
    const uint8_t conflicts[9] = {0, 1, 0, 0, 0, 0, 1, 0, 0};
    uint32_t picked[3];
    size_t count = 99;
    OK(rota_runtime_pick(runtime, ids, 3, conflicts, 9, picked, &count, &error));
    CHECK(count == 1 || count == 2);
    uint32_t seen = 0;
    for (int call = 0; call < 3; call++) {
        OK(rota_runtime_pick(runtime, ids, 3, conflicts, 9, picked, &count, &error));
        for (size_t i = 0; i < count; i++)
            seen |= 1u << picked[i];
    }
    EQUAL(seen, 7);

    /* Everything submitted is complete after a quiesce. */
    rota_tenant *tenant = tenants[0];
    rota_ticket ticket = 0;
    for (uint32_t i = 0; i < 10; i++)
        ticket = submit_one(tenant, nop(i, 0));
    OK(rota_tenant_quiesce(tenant, ROTA_FOREVER, &error));
    uint32_t at = 0;
    OK(rota_ticket_state(tenant, ticket, &at, &error));
    EQUAL(at, ROTA_TICKET_DONE);
    EQUAL(state_of(tenant), ROTA_TENANT_ACTIVE);

    /* Drained: no more jobs, and its own can be taken. */
    OK(rota_tenant_drain(tenant, ROTA_FOREVER, &error));
    EQUAL(state_of(tenant), ROTA_TENANT_DRAINING);
    rota_job job = nop(1, 2);
    size_t accepted = 99;
    RETURNS(rota_submit(tenant, &job, 1, NULL, &accepted, &error), ROTA_STATUS_WRONG_STATE);
    EQUAL(accepted, 0);
    rota_completion done[16];
    OK(rota_poll(tenant, done, 16, ROTA_WAIT_SPIN, 0, &count, &error));
    EQUAL(count, 10);

    /* Revoked: what has not begun ends as REVOKED, and its memory stays. */
    tenant = tenants[1];
    rota_buffer buffer = create_buffer(tenant, BUSY_BYTES, 0);
    submit_one(tenant, busy_job(buffer));
    for (uint32_t i = 0; i < 5; i++) {
        job = nop(i, 0);
        job.flags = ROTA_JOB_BARRIER;
        submit_one(tenant, job);
    }
    rota_status first = rota_tenant_revoke(tenant, 0, &error);
    CHECK(first == ROTA_STATUS_OK || first == ROTA_STATUS_TIMEOUT);
    EQUAL(state_of(tenant), ROTA_TENANT_REVOKED);
    if (first == ROTA_STATUS_TIMEOUT)
        OK(rota_tenant_revoke(tenant, ROTA_FOREVER, &error));
    RETURNS(rota_tenant_revoke(tenant, 0, &error), ROTA_STATUS_WRONG_STATE);
    RETURNS(rota_submit(tenant, &job, 1, NULL, &accepted, &error), ROTA_STATUS_WRONG_STATE);
    OK(rota_tenant_quiesce(tenant, ROTA_FOREVER, &error));
    OK(rota_poll(tenant, done, 16, ROTA_WAIT_SPIN, 0, &count, &error));
    EQUAL(count, 6);
    for (size_t i = 1; i < count; i++)
        EQUAL(done[i].status, ROTA_COMPLETION_REVOKED);
    char bytes[4];
    OK(rota_buffer_read(tenant, buffer, 0, bytes, 4, &error));

    /* The counters of all, in the order of their ids. */
    rota_tenant_counters counters[3] = {ROTA_TENANT_COUNTERS_INIT};
    OK(rota_runtime_get_counters(runtime, NULL, 0, &needed, &error));
    EQUAL(needed, 3);
    OK(rota_runtime_get_counters(runtime, counters, 3, &needed, &error));
    for (size_t i = 0; i < 3; i++) {
        EQUAL(counters[i].struct_size, sizeof counters[i]);
        EQUAL(counters[i].id, listed[i]);
        EQUAL(counters[i].submitted, counters[i].completed);
        if (counters[i].id == ids[0]) {
            EQUAL(counters[i].submitted, 10);
            EQUAL(counters[i].taken[ROTA_COMPLETION_OK], 10);
            EQUAL(counters[i].quiesces, 2);
        } else if (counters[i].id == ids[1]) {
            CHECK(counters[i].taken[ROTA_COMPLETION_REVOKED] >= 5);
        }
    }

    OK(rota_tenant_destroy(tenant, &error));
    RETURNS(rota_tenant_quiesce(tenant, 0, &error), ROTA_STATUS_INVALID_HANDLE);
    rota_tenant *gone = NULL;
    RETURNS(rota_runtime_find_tenant(runtime, ids[1], &gone, &error), ROTA_STATUS_INVALID_HANDLE);
    CHECK(gone == NULL);
    OK(rota_runtime_tenants(runtime, listed, 1, &needed, &error));
    EQUAL(needed, 2);
    still_works(tenants[2]);
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
