// Each error object that a failed call made is freed once: dropped, moved, assigned over, thrown,
// or handed to a chain.
#include "setup.hpp"

#include <dlfcn.h>
#include <optional>

namespace {
int freed = 0;
}

// Stands before the library's for the whole program.
extern "C" void rota_error_destroy(rota_error *error) {
    CHECK(error != nullptr);
    freed++;
    // From C's void * to a function, as POSIX has it.
    static const auto next =
        reinterpret_cast<void (*)(rota_error *)>(dlsym(RTLD_NEXT, "rota_error_destroy"));
    CHECK(::rota_error_status(error) != ROTA_STATUS_INVALID_HANDLE);
    next(error);
}

int main() {
    const auto runtime = open_runtime();
    const auto tenant = create_tenant(runtime);
    const auto fails = [&] { return tenant.submit(rota::job(4242)); };
    EQUAL(freed, 0);

    for (int i = 1; i <= 10; i++) {
        static_cast<void>(fails());
        EQUAL(freed, i);
    }
    freed = 0;
    {
        auto result = fails();
        auto moved = std::move(result);
        rota::error error = std::move(moved).error();
        EQUAL(freed, 0);
        error = fails().error();
        EQUAL(freed, 1);
        auto *const same = &error;
        error = std::move(*same);
        CHECK(error == rota::status::invalid_opcode);
    }
    EQUAL(freed, 2);
    static_cast<void>(fails().transform([](rota::ticket) { return 1; }).and_then([](int one) {
        return rota::result<int>(one);
    }));
    EQUAL(freed, 3);
    {
        std::optional<rota::submission> sent;
        const rota_job jobs[] = {rota::job(4242)};
        sent.emplace(tenant.submit(jobs));
    }
    EQUAL(freed, 4);
#if ROTA_HPP_EXCEPTIONS
    try {
        static_cast<void>(fails().value());
    } catch (const rota::exception &) {
        EQUAL(freed, 4);
    }
    EQUAL(freed, 5);
#endif
    return 0;
}
