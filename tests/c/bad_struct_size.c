/* A struct smaller than known gets defaults for its tail; a larger one is accepted if the extra
 * bytes are zero; any other size is refused by name. */
#include "setup.h"

#include <stddef.h>

/* A struct of a later version: as this one, and 16 bytes more. */
#define LATER(type)                                                                                \
    struct {                                                                                       \
        type known;                                                                                \
        unsigned char more[16];                                                                    \
    }

static void runtime_options(void) {
    LATER(rota_runtime_options) later;
    memset(&later, 0, sizeof later);
    later.known = test_options();
    rota_runtime *runtime = NULL;

    later.known.struct_size = sizeof later;
    later.more[7] = 1;
    FAILS_SAYING(rota_runtime_open(&later.known, &runtime, &error), ROTA_STATUS_INVALID_STRUCT_SIZE,
                 "rota_runtime_options");
    later.known.struct_size = 0;
    RETURNS(rota_runtime_open(&later.known, &runtime, &error), ROTA_STATUS_INVALID_STRUCT_SIZE);
    later.known.struct_size = sizeof(size_t) - 1;
    RETURNS(rota_runtime_open(&later.known, &runtime, &error), ROTA_STATUS_INVALID_STRUCT_SIZE);
    later.known.struct_size = SIZE_MAX;
    RETURNS(rota_runtime_open(&later.known, &runtime, &error), ROTA_STATUS_INVALID_STRUCT_SIZE);
    CHECK(runtime == NULL);

    later.more[7] = 0;
    later.known.struct_size = sizeof later;
    OK(rota_runtime_open(&later.known, &runtime, &error));
    OK(rota_runtime_destroy(runtime, &error));

    later.known.struct_size = offsetof(rota_runtime_options, workers); /* cuts a field in two */
    RETURNS(rota_runtime_open(&later.known, &runtime, &error), ROTA_STATUS_INVALID_STRUCT_SIZE);

    /* Only device, mode and workers are known to this caller: what lies behind must not be read. */
    rota_runtime_options smaller;
    memset(&smaller, 0xff, sizeof smaller);
    smaller.struct_size = offsetof(rota_runtime_options, idle_limit_ns);
    smaller.device = NULL;
    smaller.device_len = 0;
    smaller.mode = test_mode();
    smaller.workers = 0;
    OK(rota_runtime_open(&smaller, &runtime, &error));
    OK(rota_runtime_destroy(runtime, &error));
}

static void tenant_options(rota_runtime *runtime) {
    LATER(rota_tenant_options) later;
    memset(&later, 0, sizeof later);
    rota_tenant *tenant = NULL;

    later.known.struct_size = sizeof later;
    later.more[15] = 0x80;
    RETURNS(rota_tenant_create(runtime, &later.known, &tenant, &error),
            ROTA_STATUS_INVALID_STRUCT_SIZE);
    later.known.struct_size = 0;
    RETURNS(rota_tenant_create(runtime, &later.known, &tenant, &error),
            ROTA_STATUS_INVALID_STRUCT_SIZE);
    CHECK(tenant == NULL);

    later.more[15] = 0;
    later.known.struct_size = sizeof later;
    OK(rota_tenant_create(runtime, &later.known, &tenant, &error));
    still_works(tenant);
    OK(rota_tenant_destroy(tenant, &error));

    rota_tenant_options smaller = {.slots = 12345}; /* not a power of two, but out of sight */
    smaller.struct_size = offsetof(rota_tenant_options, slots);
    OK(rota_tenant_create(runtime, &smaller, &tenant, &error));
    still_works(tenant);
    OK(rota_tenant_destroy(tenant, &error));
}

/* A struct that is written: never beyond its size, and the size stays. */
static void runtime_info(rota_runtime *runtime) {
    rota_runtime_info info;
    memset(&info, 0xaa, sizeof info);
    info.struct_size = 0;
    RETURNS(rota_runtime_get_info(runtime, &info, &error), ROTA_STATUS_INVALID_STRUCT_SIZE);
    EQUAL((unsigned char)info.device_name[0], 0xaa);

    size_t small = offsetof(rota_runtime_info, driver);
    info.struct_size = small;
    OK(rota_runtime_get_info(runtime, &info, &error));
    EQUAL(info.struct_size, small);
    CHECK(info.device_name[0] != 0 && (unsigned char)info.device_name[0] != 0xaa);
    EQUAL((unsigned char)info.driver[0], 0xaa);

    LATER(rota_runtime_info) later;
    memset(&later, 0, sizeof later);
    later.known.struct_size = sizeof later;
    OK(rota_runtime_get_info(runtime, &later.known, &error));
    CHECK(later.known.workers >= 1);
    for (size_t i = 0; i < sizeof later.more; i++)
        EQUAL(later.more[i], 0);
}

static void device_info(void) {
    rota_device_info info = ROTA_DEVICE_INFO_INIT;
    size_t needed = 0;
    info.struct_size = 0;
    RETURNS(rota_devices_list(&info, 1, &needed, &error), ROTA_STATUS_INVALID_STRUCT_SIZE);
    CHECK(needed >= 1); /* counts are written in any case */
    info.struct_size = sizeof info;
    OK(rota_devices_list(&info, 1, &needed, &error));
    CHECK(info.name[0] != 0);
}

static void outputs_stats(void) {
    rota_outputs *outputs;
    OK(rota_outputs_create(&outputs, &error));
    rota_outputs_stats stats = ROTA_OUTPUTS_STATS_INIT;
    stats.struct_size = 0;
    RETURNS(rota_outputs_get_stats(outputs, &stats, &error), ROTA_STATUS_INVALID_STRUCT_SIZE);
    stats.struct_size = sizeof stats;
    OK(rota_outputs_get_stats(outputs, &stats, &error));
    EQUAL(stats.slots_total, 0);
    OK(rota_outputs_destroy(outputs, &error));
}

int main(void) {
    runtime_options();
    device_info();
    outputs_stats();
    rota_runtime *runtime = open_runtime();
    tenant_options(runtime);
    runtime_info(runtime);
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
