// Threads share one tenant without a lock of their own: each submits, all poll, and every
// completion comes to one of them; also while another thread closes it.
#include "setup.hpp"

#include <atomic>
#include <thread>
#include <vector>

int main() {
    const auto runtime = open_runtime();
    auto tenant = create_tenant(runtime, 256);
    constexpr std::uint64_t each = 2000, threads = 3;
    std::atomic<std::uint64_t> taken{0}, sum{0};
    std::vector<std::thread> workers;
    for (std::uint64_t t = 0; t < threads; t++)
        workers.emplace_back([&] {
            std::uint64_t sent = 0;
            rota::completion room[32];
            while (taken < each * threads) {
                if (sent < each) {
                    const auto ticket = tenant.submit(rota::jobs::nop().user_data(sent));
                    CHECK(ticket || ticket.error() == rota::status::would_block);
                    sent += ticket.has_value();
                }
                for (const auto &done : MUST(tenant.poll(room))) {
                    sum += done.user_data;
                    taken++;
                }
            }
        });
    for (auto &worker : workers)
        worker.join();
    EQUAL(taken, each * threads);
    EQUAL(sum, threads * (each * (each - 1) / 2));

    std::atomic<bool> waiting{false};
    std::thread waiter([&] {
        rota::completion room[1];
        waiting = true;
        FAILS(tenant.poll(room, rota::forever), rota::status::invalid_handle, "");
    });
    while (!waiting)
        std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    MUST(tenant.close());
    waiter.join();
    return 0;
}
