// Many jobs awaited at once on one thread, in C++20: each coroutine takes a number through the
// steps of a generator that the device runs, and each of the steps is one co_await. The CPU checks
// the end.
#include <chrono>
#include <coroutine>
#include <cstdio>
#include <cstdlib>
#include <rota/rota.hpp>
#include <vector>

namespace {

constexpr std::size_t walkers = 1000;
constexpr std::uint32_t steps = 20;

// A coroutine that begins at once and ends by itself. What async gives can be awaited in any kind
// of coroutine; use your own.
struct detached {
    struct promise_type {
        detached get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::abort(); }
    };
};

detached walk(rota::poller &poller, std::uint32_t seed, std::uint32_t &end) {
    std::uint32_t x = seed;
    for (std::uint32_t step = 1; step <= steps; step++) {
        const auto done = co_await poller.async(rota::jobs::spin(step, x));
        if (!done || !done->ok())
            co_return; // its end stays 0, which the check below sees
        x = done->results[0];
    }
    end = x;
}

std::uint32_t on_the_cpu(std::uint32_t x) {
    for (std::uint32_t step = 1; step <= steps; step++)
        for (std::uint32_t i = 0; i < step; i++)
            x = x * 1664525 + 1013904223;
    return x;
}

} // namespace

int main() {
    const auto runtime = rota::runtime::open().value();
    const auto tenant = runtime.create_tenant().value();
    rota::poller poller(tenant);

    const auto start = std::chrono::steady_clock::now();
    std::vector<std::uint32_t> ends(walkers);
    for (std::size_t i = 0; i < walkers; i++)
        walk(poller, static_cast<std::uint32_t>(i), ends[i]);
    std::printf("%zu coroutines wait for their first job\n", poller.open());
    poller.run().value();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;

    std::size_t wrong = 0;
    for (std::size_t i = 0; i < walkers; i++)
        wrong += ends[i] != on_the_cpu(static_cast<std::uint32_t>(i));
    const double jobs = static_cast<double>(walkers * steps);
    std::printf("%.0f jobs in %.1f ms, %.2f us each; %zu of %zu ends are wrong\n", jobs,
                took.count() * 1e3, took.count() * 1e6 / jobs, wrong, walkers);
    return wrong == 0 ? 0 : 1;
}
