/* A job that runs out of fuel ends with a fault and the next one runs; a budget that the device
 * can't keep is refused when submitted. */
#include "setup.h"

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0);
    rota_runtime_info info = ROTA_RUNTIME_INFO_INIT;
    OK(rota_runtime_get_info(runtime, &info, &error));

    rota_job spin = {.opcode = ROTA_OP_SPIN, .tiles = 1, .args = {1000, 7}};
    uint32_t expected = 7;
    for (int i = 0; i < 1000; i++)
        expected = expected * 1664525 + 1013904223;
    rota_completion done = run_one(tenant, spin);
    EQUAL(done.status, ROTA_COMPLETION_OK);
    EQUAL(done.results[0], expected);

    spin.fuel = 100;
    done = run_one(tenant, spin);
    EQUAL(done.status, ROTA_COMPLETION_FAULTED);
    EQUAL(done.fault, ROTA_FAULT_FUEL_EXHAUSTED);
    spin.fuel = 0;
    spin.args[0] = UINT32_MAX; /* more than any default */
    done = run_one(tenant, spin);
    EQUAL(done.status, ROTA_COMPLETION_FAULTED);
    EQUAL(done.fault, ROTA_FAULT_FUEL_EXHAUSTED);
    still_works(tenant);

    if (info.loop_cap != 0) {
        size_t accepted = 99;
        spin.fuel = UINT32_MAX;
        FAILS_SAYING(rota_submit(tenant, &spin, 1, NULL, &accepted, &error),
                     ROTA_STATUS_INVALID_ARGUMENT, "4294967295");
        EQUAL(accepted, 0);
        still_works(tenant);
    }
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
