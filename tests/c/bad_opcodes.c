/* Opcodes that no handler has: outside the tenant's window, and gaps among the standard ones. */
#include "setup.h"

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0);
    const uint32_t opcodes[] = {0,      3,      0xf,    0x18,       0xfff,
                                0x1000, 0x1fff, 0x2000, 0x7fffffff, UINT32_MAX};
    for (size_t i = 0; i < sizeof opcodes / sizeof *opcodes; i++) {
        rota_job job = nop(1, 2);
        job.opcode = opcodes[i];
        size_t accepted = 99;
        rota_ticket ticket = 0;
        RETURNS(rota_submit(tenant, &job, 1, &ticket, &accepted, &error),
                ROTA_STATUS_INVALID_OPCODE);
        EQUAL(accepted, 0);
        EQUAL(ticket, 0);
        EQUAL(rota_tiles(opcodes[i], 1000), 0);
        still_works(tenant);
    }
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
