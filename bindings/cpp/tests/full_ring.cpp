// A full ring takes what fits and says would_block, without losing the count; a refused job in the
// middle keeps those before it; too little room for tickets is refused before anything is written.
#include "setup.hpp"

#include <vector>

int main() {
    const auto runtime = open_runtime();
    const auto tenant = create_tenant(runtime, 16);
    const std::vector<rota_job> jobs(20, rota_job(rota::jobs::nop(1, 2)));

    std::vector<rota::ticket> tickets(jobs.size());
    const auto sent = tenant.submit(jobs, tickets);
    CHECK(!sent);
    EQUAL(sent.accepted, 16);
    CHECK(sent.outcome.error() == rota::status::would_block && sent.outcome.error().retryable());
    EQUAL(tickets[16], 0);
    FAILS(tenant.submit(jobs[0]), rota::status::would_block, "");
    for (std::size_t i = 0; i < 16; i++)
        EQUAL(MUST(tenant.wait(tickets[i])).results[1], 2);

    const rota_job mixed[] = {rota::jobs::nop(), rota::job(4242), rota::jobs::nop()};
    const auto partly = tenant.submit(mixed);
    EQUAL(partly.accepted, 1);
    FAILS(partly.outcome, rota::status::invalid_opcode, "0x1092");
    rota::completion room[3];
    EQUAL(MUST(tenant.poll(room, std::chrono::seconds(5))).size(), 1);

    rota::ticket few[2] = {7, 7};
    const auto refused = tenant.submit(mixed, few);
    EQUAL(refused.accepted, 0);
    FAILS(refused.outcome, rota::status::invalid_argument, "tickets");
    EQUAL(few[0], 7);
    FAILS(tenant.submit(rota::span<const rota_job>()).outcome, rota::status::invalid_argument, "");
    EQUAL(MUST(tenant.poll(room)).size(), 0);
    still_works(tenant);
    return 0;
}
