// What most test programs start from: a runtime and a tenant, and a job that takes a while.
//
// ROTA_TEST_MODE in the environment (auto, resident or batch) chooses the mode.
#ifndef SETUP_HPP
#define SETUP_HPP

#include "check.hpp"

#include <string_view>

inline rota::runtime_options test_options() {
    rota::runtime_options options;
    const char *const mode = std::getenv("ROTA_TEST_MODE");
    if (mode != nullptr && std::string_view(mode) == "resident")
        options.mode = rota::mode::resident;
    if (mode != nullptr && std::string_view(mode) == "batch")
        options.mode = rota::mode::batch;
    return options;
}

inline rota::runtime open_runtime() { return MUST(rota::runtime::open(test_options())); }

// slots: 0 is the runtime's default.
inline rota::tenant create_tenant(const rota::runtime &runtime, std::uint32_t slots = 0) {
    rota::tenant_options options;
    options.slots = slots;
    return MUST(runtime.create_tenant(options));
}

// Fails unless a NOP job comes back right: whatever was refused before changed nothing.
inline void still_works(const rota::tenant &tenant) {
    const rota::completion done = MUST(tenant.run(rota::jobs::nop(12345, 67890)));
    CHECK(done.ok());
    EQUAL(done.results[0], 12345);
    EQUAL(done.results[1], 67890);
}

// Keeps the device busy for some ten milliseconds.
class busy {
  public:
    explicit busy(const rota::tenant &tenant)
        : words_(MUST(tenant.create_buffer<std::uint32_t>(8 << 20))) {}
    auto job() const { return rota::jobs::sum_u32(words_); }

  private:
    rota::buffer<std::uint32_t> words_;
};

#endif
