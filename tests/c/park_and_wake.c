/* A runtime without work parks, and a parked one wakes for the next job; one that is told never to
 * park doesn't. */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#include "setup.h"

#include <time.h>

static rota_runtime_info after_a_rest(rota_runtime *runtime) {
    rota_runtime_info info = ROTA_RUNTIME_INFO_INIT;
    for (int i = 0; i < 200; i++) { /* up to two seconds on a busy machine */
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        OK(rota_runtime_get_info(runtime, &info, &error));
        if (info.parked)
            break;
    }
    return info;
}

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0);
    uint64_t last_wakes = 0;
    for (int i = 0; i < 20; i++) {
        rota_runtime_info info = after_a_rest(runtime);
        EQUAL(info.parked, 1);
        CHECK(info.parks >= 1);
        CHECK(i == 0 || info.wakes > last_wakes);
        last_wakes = info.wakes;
        still_works(tenant);
    }
    OK(rota_runtime_destroy(runtime, &error));

    rota_runtime_options options = test_options();
    options.idle_limit_ns = ROTA_FOREVER;
    OK(rota_runtime_open(&options, &runtime, &error));
    tenant = create_tenant(runtime, 0);
    still_works(tenant);
    rota_runtime_info info = ROTA_RUNTIME_INFO_INIT;
    OK(rota_runtime_get_info(runtime, &info, &error));
    if (info.mode == ROTA_MODE_RESIDENT) {
        /* Until its first job it was parked, or not, if that came before the kernel could park. */
        uint64_t parks = info.parks;
        CHECK(parks <= 1);
        nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
        OK(rota_runtime_get_info(runtime, &info, &error));
        EQUAL(info.parked, 0);
        EQUAL(info.parks, parks);
        EQUAL(info.wakes, 1);
    }
    still_works(tenant);
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
