// An error has a code, a message, a VkResult and whether it is worth another try; it moves,
// outlives the runtime, and frees its object once.
#include "setup.hpp"

#include <optional>
#include <thread>

int main() {
    std::optional<rota::error> kept;
    {
        auto options = test_options();
        options.device = "no such device";
        auto none = rota::runtime::open(options);
        FAILS(none, rota::status::no_device, "no such device");
        EQUAL(none.error().vk_result(), 0);
        CHECK(!none.error().retryable());
        kept = std::move(none).error();
        CHECK(none.error() == rota::status::ok); // moved from
    }
    CHECK(*kept == rota::status::no_device && *kept != rota::status::ok);

    const auto runtime = open_runtime();
    const auto tenant = create_tenant(runtime);
    FAILS(tenant.submit(rota::job(999)), rota::status::invalid_opcode, "0x3e7");
    FAILS(tenant.submit(rota::jobs::nop().tiles(0)), rota::status::invalid_tiles, "");
    FAILS(tenant.wait(12345), rota::status::invalid_ticket, "");

    const auto late = tenant.wait(MUST(tenant.submit(busy(tenant).job())), rota::timeout());
    if (!late) { // else the job was faster than the look
        CHECK(late.error() == rota::status::timeout && late.error().retryable());
        CHECK(std::strlen(late.error().message()) > 8);
    }

    auto options = test_options();
    options.workers = 9999;
    FAILS(rota::runtime::open(options), rota::status::invalid_argument, "9999");
    options = test_options();
    options.mode = static_cast<rota::mode>(77);
    FAILS(rota::runtime::open(options), rota::status::invalid_argument, "77");
    rota::tenant_options odd;
    odd.slots = 3;
    FAILS(runtime.create_tenant(odd), rota::status::invalid_argument, "3");
    odd.slots = 0;
    odd.label = std::string_view("\xff", 1);
    FAILS(runtime.create_tenant(odd), rota::status::invalid_argument, "");

    rota::error first = std::move(*kept), second(rota::status::io_error);
    second = std::move(first);
    std::thread([moved = std::move(second)] {
        CHECK(moved == rota::status::no_device);
        CHECK(std::strstr(moved.message(), "no such device") != nullptr);
    }).join();
    CHECK(std::strcmp(rota::name(rota::status::no_device), "ROTA_STATUS_NO_DEVICE") == 0);
    CHECK(std::strcmp(rota::name(rota::completion_status::ok), "ROTA_COMPLETION_OK") == 0);
    CHECK(std::strcmp(rota::name(rota::fault::read_only), "ROTA_FAULT_READ_ONLY") == 0);
    CHECK(std::strlen(rota::text(rota::status::no_device)) > 8);
    return 0;
}
