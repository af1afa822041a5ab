// The list of devices, and what a runtime says about itself and its options.
#include "setup.hpp"

int main() {
    const auto list = MUST(rota::devices());
    CHECK(!list.empty());
    bool suitable = false;
    for (const auto &device : list) {
        CHECK(std::strlen(device.name) > 0 && device.kind <= ROTA_DEVICE_CPU);
        CHECK(device.suitable == 1 || std::strlen(device.reason) > 0);
        suitable = suitable || device.suitable == 1;
    }
    CHECK(suitable);

    rota::runtime_options options = test_options();
    options.max_tenants = 17;
    options.slots = 64;
    options.workers = 2;
    options.idle_limit = std::chrono::milliseconds(2);
    options.no_cache = true;
    options.first_position = 0x7ffffff0;
    const auto runtime = MUST(rota::runtime::open(options));
    const auto tenant = create_tenant(runtime);
    for (int i = 0; i < 100; i++)
        still_works(tenant);
    const auto info = MUST(runtime.info());
    EQUAL(info.max_tenants, 17);
    EQUAL(info.slots, 64);
    EQUAL(info.workers, 2);
    EQUAL(info.tenants, 1);
    CHECK(info.mode == ROTA_MODE_RESIDENT || info.mode == ROTA_MODE_BATCH);
    CHECK(std::strlen(info.device_name) > 0 && info.open_ns > 0);

    EQUAL(rota::library_version(),
          ROTA_VERSION_MAJOR << 16 | ROTA_VERSION_MINOR << 8 | ROTA_VERSION_PATCH);
    CHECK(std::strlen(rota::library_version_text()) >= 5);

    rota::tenant_options named;
    named.label = "named";
    named.slots = 8;
    const auto small = MUST(runtime.create_tenant(named));
    const std::vector<rota_job> jobs(9, rota_job(rota::jobs::nop()));
    EQUAL(small.submit(jobs).accepted, 8);
    return 0;
}
