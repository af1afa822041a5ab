// A job goes there and back by each of the calls: run, submit and wait, a batch and poll. The
// user's data comes back, tickets name their jobs.
#include "setup.hpp"

#include <vector>

int main() {
    const auto runtime = open_runtime();
    const auto tenant = create_tenant(runtime);
    still_works(tenant);

    const rota::ticket one = MUST(tenant.submit(rota::jobs::nop(3, 4).user_data(77)));
    const auto done = MUST(tenant.wait(one));
    EQUAL(done.ticket, one);
    EQUAL(done.user_data, 77);
    EQUAL(done.u64(), 4ull << 32 | 3);

    std::vector<rota_job> jobs;
    for (std::uint32_t i = 0; i < 100; i++)
        jobs.push_back(rota::jobs::nop(i, i * i).user_data(i));
    std::vector<rota::ticket> tickets(jobs.size());
    const auto sent = tenant.submit(jobs, tickets);
    CHECK(sent);
    EQUAL(sent.accepted, jobs.size());

    std::vector<bool> seen(jobs.size());
    rota::completion room[7];
    for (std::size_t taken = 0; taken < jobs.size();) {
        const auto some = MUST(tenant.poll(room, std::chrono::seconds(10)));
        CHECK(some.size() > 0);
        for (const auto &answer : some) {
            const auto i = static_cast<std::size_t>(answer.user_data);
            CHECK(!seen[i]);
            seen[i] = true;
            EQUAL(answer.ticket, tickets[i]);
            EQUAL(answer.results[1], i * i);
            EQUAL(MUST(tenant.state(answer.ticket)) == rota::ticket_state::taken, true);
        }
        taken += some.size();
    }
    return 0;
}
