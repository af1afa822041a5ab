// Jobs that functions submit while a poller hands out completions go to the ring in one call, in
// their order; others go at once.
#include "setup.hpp"

#include <dlfcn.h>
#include <thread>
#include <vector>

namespace {
std::vector<std::size_t> submits;
}

// Stands before the library's for the whole program.
extern "C" rota_status rota_submit_traced(rota_tenant *tenant, const rota_job *jobs,
                                          const rota_trace_context *contexts, std::size_t n,
                                          rota_ticket *tickets, std::size_t *accepted,
                                          rota_error **error) {
    submits.push_back(n);
    static const auto next =
        reinterpret_cast<decltype(&rota_submit_traced)>(dlsym(RTLD_NEXT, "rota_submit_traced"));
    return next(tenant, jobs, contexts, n, tickets, accepted, error);
}

int main() {
    const auto runtime = open_runtime();
    const auto tenant = create_tenant(runtime, 64);
    rota::poller loop(tenant);
    std::vector<std::uint32_t> order;
    for (std::uint32_t i = 0; i < 20; i++)
        MUST(loop.submit(rota::jobs::nop(i), [&, i](rota::result<rota::completion>) {
            MUST(
                loop.submit(rota::jobs::nop(i).barrier(), [&](rota::result<rota::completion> done) {
                    order.push_back(done->results[0]);
                }));
        }));
    CHECK(submits == std::vector<std::size_t>(20, 1));

    std::this_thread::sleep_for(std::chrono::milliseconds(50)); // all are there at once
    EQUAL(MUST(loop.run_once()), 20);
    EQUAL(submits.size(), 21);
    EQUAL(submits.back(), 20);
    MUST(loop.run());
    EQUAL(order.size(), 20);
    for (std::uint32_t i = 0; i < 20; i++)
        EQUAL(order[i], i);
    return 0;
}
