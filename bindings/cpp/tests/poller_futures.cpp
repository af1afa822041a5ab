// Futures get their completions from whatever thread runs the poller, and errors when it, its
// tenant or its runtime ends before the job.
#include "setup.hpp"

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

namespace {

using answer = std::future<rota::result<rota::completion>>;

void from_many_threads(const rota::tenant &tenant) {
    rota::poller loop(tenant);
    std::atomic<bool> ended{false};
    std::vector<std::thread> runners, askers;
    for (int i = 0; i < 2; i++)
        runners.emplace_back([&] {
            while (!ended)
                MUST(loop.run_once(std::chrono::milliseconds(5)));
        });
    for (std::uint32_t asker = 0; asker < 4; asker++)
        askers.emplace_back([&loop, asker] {
            for (std::uint32_t round = 0; round < 30; round++) {
                std::vector<answer> answers;
                for (std::uint32_t i = 0; i < 40; i++)
                    answers.push_back(loop.future(rota::jobs::nop(asker, i)));
                for (std::uint32_t i = 0; i < 40; i++) {
                    const auto done = MUST(answers[i].get());
                    EQUAL(done.results[0], asker);
                    EQUAL(done.results[1], i);
                }
            }
        });
    for (auto &thread : askers)
        thread.join();
    ended = true;
    for (auto &thread : runners)
        thread.join();
    EQUAL(loop.open(), 0);
}

void refused(const rota::tenant &tenant) {
    rota::poller loop(tenant);
    FAILS(loop.future(rota::job(4242)).get(), rota::status::invalid_opcode, "0x1092");
}

void ended_early(const rota::runtime &runtime) {
    auto tenant = create_tenant(runtime, 16);
    const busy work(tenant);
    std::vector<answer> answers;
    {
        rota::poller loop(tenant);
        for (int i = 0; i < 40; i++)
            answers.push_back(loop.future(work.job()));
    }
    for (auto &one : answers)
        FAILS(one.get(), rota::status::stopped, "poller");
    answers.clear();

    rota::poller loop(tenant);
    for (int i = 0; i < 40; i++)
        answers.push_back(loop.future(rota::jobs::nop()));
    MUST(tenant.close());
    FAILS(loop.run(), rota::status::invalid_handle, "");
    for (auto &one : answers)
        FAILS(one.get(), rota::status::invalid_handle, "");
    EQUAL(loop.open(), 0);
}

void stopped() {
    const auto runtime = open_runtime();
    const auto tenant = create_tenant(runtime, 16);
    rota::poller loop(tenant);
    std::vector<answer> answers;
    for (int i = 0; i < 40; i++)
        answers.push_back(loop.future(rota::jobs::nop()));
    MUST(runtime.stop());
    MUST(loop.run());
    std::size_t completed = 0, never = 0;
    for (auto &one : answers) {
        const auto done = one.get();
        if (done)
            completed += done->ok() || done->outcome() == rota::completion_status::cancelled;
        else
            never += done.error() == rota::status::stopped;
    }
    EQUAL(completed, 16); // those that were in the ring
    EQUAL(never, 24);
}

void keeps_the_tenant() {
    std::optional<rota::tenant> tenant(create_tenant(open_runtime()));
    rota::poller loop(*tenant);
    tenant.reset();
    auto one = loop.future(rota::jobs::nop(1, 2));
    MUST(loop.run());
    EQUAL(MUST(one.get()).results[1], 2);
}

} // namespace

int main() {
    const auto runtime = open_runtime();
    from_many_threads(create_tenant(runtime, 64));
    refused(create_tenant(runtime));
    ended_early(runtime);
    stopped();
    keeps_the_tenant();
    return 0;
}
