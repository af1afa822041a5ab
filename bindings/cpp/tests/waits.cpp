// Waiting: nothing within the time is an empty span from poll and a timeout from wait; the event
// descriptor is readable while there is something to take; a job can be cancelled and asked about.
#include "setup.hpp"

#include <poll.h>

namespace {

bool readable(int fd, int ms) {
    pollfd event = {fd, POLLIN, 0};
    return ::poll(&event, 1, ms) == 1;
}

} // namespace

int main() {
    using namespace std::chrono_literals;
    const auto runtime = open_runtime();
    const auto tenant = create_tenant(runtime);
    rota::completion room[4];

    for (const auto how : {rota::waiting::adaptive, rota::waiting::spin, rota::waiting::block}) {
        EQUAL(MUST(tenant.poll(room, {}, how)).size(), 0);
        const auto start = std::chrono::steady_clock::now();
        EQUAL(MUST(tenant.poll(room, 30ms, how)).size(), 0);
        CHECK(std::chrono::steady_clock::now() - start >= 30ms);

        const rota::ticket ticket = MUST(tenant.submit(rota::jobs::nop(1, 2)));
        EQUAL(MUST(tenant.wait(ticket, 10s, how)).results[1], 2);
        FAILS(tenant.wait(ticket, 10s, how), rota::status::invalid_ticket, "");
    }
    FAILS(tenant.poll(room, {}, static_cast<rota::waiting>(9)), rota::status::invalid_argument, "");
    FAILS(tenant.poll(rota::span<rota::completion>()), rota::status::invalid_argument, "");

    const int fd = MUST(tenant.event_fd());
    EQUAL(MUST(tenant.event_fd()), fd);
    CHECK(!readable(fd, 10));
    const rota::ticket ticket = MUST(tenant.submit(rota::jobs::nop(8, 9)));
    CHECK(readable(fd, 10000));
    CHECK(MUST(tenant.state(ticket)) == rota::ticket_state::done);
    EQUAL(MUST(tenant.poll(room)).size(), 1);
    CHECK(!readable(fd, 10));
    CHECK(MUST(tenant.state(ticket)) == rota::ticket_state::taken);

    const busy work(tenant);
    int cancelled = 0;
    for (int round = 0; round < 20 && cancelled == 0; round++) {
        const rota_job jobs[] = {work.job(), rota::jobs::nop().barrier()};
        rota::ticket tickets[2];
        CHECK(tenant.submit(jobs, tickets));
        MUST(tenant.cancel(tickets[1]));
        CHECK(MUST(tenant.wait(tickets[0])).ok());
        const auto second = MUST(tenant.wait(tickets[1]));
        cancelled += second.outcome() == rota::completion_status::cancelled;
        CHECK(second.ok() || cancelled == 1);
    }
    CHECK(cancelled == 1 || MUST(runtime.info()).mode == ROTA_MODE_BATCH);

    // AFTER_OK and BARRIER hold in the order of the batch.
    const auto word = MUST(tenant.create_buffer<std::uint32_t>(1));
    const rota_job chain[] = {rota::jobs::fill(word.part(9, 1), 1u),
                              rota::jobs::fill(word, 2u).after_ok()};
    rota::ticket tickets[2];
    CHECK(tenant.submit(chain, tickets));
    CHECK(MUST(tenant.wait(tickets[0])).why() == rota::fault::out_of_bounds);
    CHECK(MUST(tenant.wait(tickets[1])).outcome() == rota::completion_status::skipped);
    EQUAL(MUST(word.read())[0], 0);
    return 0;
}
