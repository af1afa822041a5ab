/* Two runtimes at once, on the same device, don't know of each other; closing one leaves the other.
 */
#include "setup.h"

int main(void) {
    rota_runtime *first = open_runtime(), *second = open_runtime();
    CHECK(first != second);
    rota_tenant *one = create_tenant(first, 0), *two = create_tenant(second, 0);
    for (uint32_t i = 0; i < 100; i++) {
        rota_ticket a = submit_one(one, nop(i, 1)), b = submit_one(two, nop(i, 2));
        EQUAL(wait_for(two, b).results[1], 2);
        EQUAL(wait_for(one, a).results[1], 1);
    }

    /* A buffer of the one isn't one of the other's. */
    rota_buffer buffer = create_buffer(one, 64, 0);
    rota_job fill = {.opcode = ROTA_OP_FILL, .tiles = 1, .args = {buffer, 0, 4, 9}};
    EQUAL(run_one(one, fill).status, ROTA_COMPLETION_OK);
    EQUAL(run_one(two, fill).status, ROTA_COMPLETION_FAULTED);

    OK(rota_runtime_destroy(first, &error));
    still_works(two);
    OK(rota_runtime_destroy(second, &error));
    return 0;
}
