// co_await on a job, in any kind of coroutine: it goes on inside run_once with the completion, many
// at once, also more than the ring holds; refused jobs and ended pollers give errors; a coroutine
// that awaits may be destroyed. In C++17 there is nothing of it.
#include "coroutines.hpp"
#include "setup.hpp"

#if !ROTA_HPP_COROUTINES

static_assert(__cplusplus < 202002L, "C++20 has coroutines");
int main() { return 0; }

#else

#include <atomic>
#include <coroutine>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace {

// A coroutine that its owner destroys.
struct owned {
    struct promise_type {
        owned get_return_object() noexcept {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::abort(); }
    };
    std::coroutine_handle<promise_type> handle;
};

detached chain(rota::poller &loop, std::uint32_t seed, std::uint32_t steps, int &ended) {
    for (std::uint32_t i = 0; i < steps; i++) {
        const auto done = MUST(co_await loop.async(rota::jobs::nop(seed, i).user_data(seed)));
        EQUAL(done.results[0], seed);
        EQUAL(done.results[1], i);
        EQUAL(done.user_data, seed);
    }
    ended++;
}

detached expects(rota::poller &loop, rota_job job, rota::status code, int &ended) {
    const auto answer = co_await loop.async(job);
    CHECK(!answer && answer.error() == code);
    ended++;
}

owned forever_waiting(rota::poller &loop, rota_job job, int &resumed) {
    static_cast<void>(co_await loop.async(job));
    resumed++;
}

void many(const rota::tenant &tenant) {
    rota::poller loop(tenant);
    int ended = 0;
    for (std::uint32_t seed = 0; seed < 200; seed++)
        chain(loop, seed, 10, ended);
    EQUAL(ended, 0);
    EQUAL(loop.open(), 200);
    MUST(loop.run());
    EQUAL(ended, 200);
}

void across_threads(const rota::tenant &tenant) {
    rota::poller loop(tenant);
    std::atomic<int> threads{2};
    std::vector<int> ended(2);
    std::vector<std::thread> starters;
    for (std::size_t t = 0; t < 2; t++)
        starters.emplace_back([&, t] {
            for (std::uint32_t i = 0; i < 2000; i++)
                chain(loop, i, 2, ended[t]);
            threads--;
        });
    while (threads > 0 || loop.open() > 0)
        MUST(loop.run_once(std::chrono::milliseconds(1)));
    for (auto &thread : starters)
        thread.join();
    // Only this thread resumes, and a chain's second job is awaited here.
    EQUAL(ended[0], 2000);
    EQUAL(ended[1], 2000);
}

void errors(const rota::runtime &runtime) {
    auto tenant = create_tenant(runtime, 16);
    int ended = 0;
    {
        rota::poller loop(tenant);
        expects(loop, rota::job(4242), rota::status::invalid_opcode, ended);
        EQUAL(ended, 1); // refused at once: it went on at once
        for (int i = 0; i < 40; i++)
            expects(loop, rota::jobs::nop(), rota::status::stopped, ended);
    }
    EQUAL(ended, 41);
    {
        rota::poller loop(tenant);
        for (int i = 0; i < 40; i++)
            expects(loop, rota::jobs::nop(), rota::status::invalid_handle, ended);
        MUST(tenant.close());
        FAILS(loop.run_once(), rota::status::invalid_handle, "");
    }
    EQUAL(ended, 81);
}

void destroyed(const rota::tenant &tenant) {
    rota::poller loop(tenant);
    const busy work(tenant);
    int resumed = 0;
    std::vector<owned> waiting;
    for (int i = 0; i < 40; i++) // some in the ring of 16, some waiting for room
        waiting.push_back(forever_waiting(loop, work.job(), resumed));
    for (std::size_t i = 0; i < waiting.size(); i += 2)
        waiting[i].handle.destroy();
    MUST(loop.run());
    EQUAL(resumed, 20);
    for (std::size_t i = 1; i < waiting.size(); i += 2) {
        CHECK(waiting[i].handle.done());
        waiting[i].handle.destroy();
    }
}

// The first one that goes on destroys the others, whose completions came in the same batch.
owned destroys(rota::poller &loop, std::vector<owned> &all, std::size_t self, int &resumed) {
    static_cast<void>(co_await loop.async(rota::jobs::nop()));
    for (std::size_t i = 0; i < all.size(); i++)
        if (i != self)
            all[i].handle.destroy();
    resumed++;
}

void destroyed_by_each_other(const rota::tenant &tenant) {
    rota::poller loop(tenant);
    int resumed = 0;
    std::vector<owned> all;
    all.reserve(16);
    for (std::size_t i = 0; i < 16; i++)
        all.push_back(destroys(loop, all, i, resumed));
    std::this_thread::sleep_for(std::chrono::milliseconds(20)); // all are there at once
    MUST(loop.run_once());
    EQUAL(resumed, 1);
    EQUAL(loop.open(), 0);
    all[0].handle.destroy(); // completions come in their order, so it was the first
}

} // namespace

int main() {
    const auto runtime = open_runtime();
    many(create_tenant(runtime, 64));
    across_threads(create_tenant(runtime, 1024));
    errors(runtime);
    destroyed(create_tenant(runtime, 16));
    destroyed_by_each_other(create_tenant(runtime, 16));
    return 0;
}

#endif
