/* Grants to oneself, to the dead, to another runtime, of what isn't one's own, with more rights
 * than one has, and twice: each is refused by name, and nothing changes. */
#include "setup.h"

int main(void) {
    const rota_status invalid = ROTA_STATUS_INVALID_HANDLE;
    const rota_status argument = ROTA_STATUS_INVALID_ARGUMENT;
    const rota_status state = ROTA_STATUS_WRONG_STATE;
    rota_runtime *runtime = open_runtime(), *elsewhere = open_runtime();
    rota_tenant *owner = create_tenant(runtime, 8), *other = create_tenant(runtime, 8);
    rota_tenant *third = create_tenant(runtime, 8), *dead = create_tenant(runtime, 8);
    rota_tenant *stranger = create_tenant(elsewhere, 8);
    OK(rota_tenant_destroy(dead, &error));
    rota_buffer buffer = create_buffer(owner, 64, 0);
    rota_buffer fixed = create_buffer(owner, 64, ROTA_BUFFER_READ_ONLY);
    rota_buffer granted = 0, none = 0;

    RETURNS(rota_buffer_grant(owner, buffer, owner, 0, &none, &error), argument);
    RETURNS(rota_buffer_grant(owner, buffer, stranger, 0, &none, &error), argument);
    RETURNS(rota_buffer_grant(owner, buffer, dead, 0, &none, &error), invalid);
    RETURNS(rota_buffer_grant(dead, buffer, other, 0, &none, &error), invalid);
    RETURNS(rota_buffer_grant(owner, buffer, NULL, 0, &none, &error), ROTA_STATUS_NULL_POINTER);
    RETURNS(rota_buffer_grant(owner, buffer, other, 0, NULL, &error), ROTA_STATUS_NULL_POINTER);
    RETURNS(rota_buffer_grant(owner, buffer, other, 2, &none, &error), argument);
    RETURNS(rota_buffer_grant(owner, fixed, other, 0, &none, &error), argument);
    RETURNS(rota_buffer_grant(owner, 0, other, 0, &none, &error), invalid);
    RETURNS(rota_buffer_grant(other, buffer, third, 0, &none, &error), invalid);
    RETURNS(rota_buffer_take_back(owner, buffer, other, &error), state);
    RETURNS(rota_buffer_take_back(owner, buffer, owner, &error), argument);
    RETURNS(rota_buffer_take_back(owner, buffer, stranger, &error), argument);
    RETURNS(rota_buffer_take_back(owner, buffer, dead, &error), invalid);

    OK(rota_buffer_grant(owner, buffer, other, 0, &granted, &error));
    RETURNS(rota_buffer_grant(owner, buffer, other, 0, &none, &error), state);
    RETURNS(rota_buffer_grant(other, granted, third, 0, &none, &error), state);
    RETURNS(rota_buffer_take_back(other, granted, owner, &error), state);
    RETURNS(rota_buffer_take_back(owner, buffer, third, &error), state);
    void *mapped = NULL;
    uint64_t bytes = 0;
    RETURNS(rota_buffer_map(other, granted, &mapped, &bytes, &error), state);
    CHECK(none == 0 && mapped == NULL);
    OK(rota_buffer_take_back(owner, buffer, other, &error));
    RETURNS(rota_buffer_take_back(owner, buffer, other, &error), state);

    /* Whoever was revoked gets nothing more. */
    OK(rota_tenant_revoke(third, ROTA_FOREVER, &error));
    RETURNS(rota_buffer_grant(owner, buffer, third, 0, &none, &error), state);
    rota_tenant_counters counters = ROTA_TENANT_COUNTERS_INIT;
    OK(rota_tenant_get_counters(third, &counters, &error));
    EQUAL(counters.used[ROTA_RESOURCE_BUFFERS], 0);
    still_works(owner);
    still_works(other);
    OK(rota_runtime_destroy(elsewhere, &error));
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
