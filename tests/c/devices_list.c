/* The list of devices: the number needed comes in any case, what fits is filled in, and each entry
 * says whether the device will do, or why not. */
#include "setup.h"

int main(void) {
    size_t needed = 0, again = 0;
    OK(rota_devices_list(NULL, 0, &needed, &error));
    CHECK(needed >= 1);

    rota_device_info infos[17];
    memset(infos, 0xaa, sizeof infos);
    for (size_t i = 0; i < 17; i++)
        infos[i].struct_size = sizeof infos[i];
    size_t capacity = needed < 16 ? needed : 16;
    OK(rota_devices_list(infos, capacity, &again, &error));
    EQUAL(again, needed);
    size_t suitable = 0;
    for (size_t i = 0; i < capacity; i++) {
        EQUAL(infos[i].struct_size, sizeof infos[i]);
        EQUAL(infos[i].index, i);
        CHECK(infos[i].kind <= ROTA_DEVICE_CPU);
        CHECK(infos[i].name[0] != 0 && memchr(infos[i].name, 0, sizeof infos[i].name) != NULL);
        CHECK(memchr(infos[i].driver, 0, sizeof infos[i].driver) != NULL);
        CHECK(memchr(infos[i].driver_info, 0, sizeof infos[i].driver_info) != NULL);
        CHECK(memchr(infos[i].reason, 0, sizeof infos[i].reason) != NULL);
        CHECK(infos[i].suitable <= 1);
        CHECK(infos[i].suitable == 1 || infos[i].reason[0] != 0);
        CHECK(infos[i].suitable == 0 || infos[i].subgroup_size >= 1);
        suitable += infos[i].suitable;
    }
    CHECK(suitable >= 1);
    EQUAL((unsigned char)infos[capacity].name[0], 0xaa); /* not one more than asked for */

    /* The index opens what the list says it is. */
    for (size_t i = 0; i < capacity; i++) {
        if (!infos[i].suitable)
            continue;
        char index[32];
        rota_runtime_options options = test_options();
        rota_runtime_info info = ROTA_RUNTIME_INFO_INIT;
        rota_runtime *runtime = NULL;
        options.device = index;
        options.device_len = (size_t)snprintf(index, sizeof index, "%zu", i);
        OK(rota_runtime_open(&options, &runtime, &error));
        OK(rota_runtime_get_info(runtime, &info, &error));
        CHECK(strcmp(info.device_name, infos[i].name) == 0);
        EQUAL(info.subgroup_size, infos[i].subgroup_size);
        OK(rota_runtime_destroy(runtime, &error));
    }
    return 0;
}
