/* Asking for a device that isn't there: ROTA_STATUS_NO_DEVICE, and the message names what was asked
 * for and what there is. */
#include "setup.h"

int main(void) {
    rota_device_info first = ROTA_DEVICE_INFO_INIT;
    size_t needed;
    OK(rota_devices_list(&first, 1, &needed, &error));

    const char *const names[] = {"no such device", "99", "4294967296"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        rota_runtime_options options = test_options();
        options.device = names[i];
        options.device_len = strlen(names[i]);
        rota_runtime *runtime = NULL;
        FAILS_SAYING(rota_runtime_open(&options, &runtime, &error), ROTA_STATUS_NO_DEVICE,
                     names[i]);
        FAILS_SAYING(rota_runtime_open(&options, &runtime, &error), ROTA_STATUS_NO_DEVICE,
                     first.name);
        CHECK(runtime == NULL);
    }

    /* Pointer and length: what follows the name is not part of it. */
    char name[300];
    snprintf(name, sizeof name, "%sXYZ", first.name);
    rota_runtime_options options = test_options();
    options.device = name;
    options.device_len = strlen(first.name);
    rota_runtime *runtime = NULL;
    OK(rota_runtime_open(&options, &runtime, &error));
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
