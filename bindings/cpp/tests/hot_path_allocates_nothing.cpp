// submit, poll, wait, cancel and state allocate nothing on the side of C++, and would_block and
// empty polls do neither; nor do metrics from the second time on.
#include "setup.hpp"

#include <new>
#include <string>

namespace {
thread_local std::size_t allocations = 0; // the driver's threads have theirs
}

// All of them, not only the plain one: an allocation has to come back to the same family.
void *operator new(std::size_t bytes) {
    allocations++;
    void *const memory = std::malloc(bytes);
    if (memory == nullptr)
        std::abort();
    return memory;
}
void *operator new(std::size_t bytes, const std::nothrow_t &) noexcept {
    return operator new(bytes);
}
void *operator new[](std::size_t bytes) { return operator new(bytes); }
void *operator new[](std::size_t bytes, const std::nothrow_t &) noexcept {
    return operator new(bytes);
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void *memory, const std::nothrow_t &) noexcept { std::free(memory); }
void operator delete[](void *memory) noexcept { std::free(memory); }
void operator delete[](void *memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void *memory, const std::nothrow_t &) noexcept { std::free(memory); }

int main() {
    const auto runtime = open_runtime();
    const auto tenant = create_tenant(runtime, 64);
    const auto buffer = MUST(tenant.create_buffer<std::uint32_t>(64));
    rota_job jobs[65];
    rota::ticket tickets[65];
    rota::completion room[64];
    CHECK(allocations > 0); // they are counted

    const std::size_t before = allocations;
    for (std::uint32_t round = 0; round < 50; round++) {
        for (auto &job : jobs)
            job = rota::jobs::fill(buffer, round);
        const auto sent = tenant.submit(jobs, tickets);
        EQUAL(sent.accepted, 64);
        MUST(tenant.cancel(tickets[63]));
        static_cast<void>(MUST(tenant.state(tickets[63])));
        static_cast<void>(MUST(tenant.wait(tickets[0])));
        for (std::size_t taken = 1; taken < 64;)
            taken += MUST(tenant.poll(room, rota::forever)).size();
        EQUAL(MUST(tenant.poll(room)).size(), 0);
        still_works(tenant);
        CHECK(MUST(tenant.run(rota::jobs::nop(), rota::trace_context())).ok());
    }
    EQUAL(allocations, before);

    rota::snapshot now;
    std::string text;
    const auto read = [&] {
        MUST(runtime.metrics(now));
        MUST(runtime.metrics_text(rota::metrics_format::prometheus, text));
        CHECK(MUST(tenant.latency()).count() <= now.runtime().counted().completed);
    };
    read();
    const std::size_t after_one = allocations;
    CHECK(after_one > before);
    for (int again = 0; again < 10; again++)
        read();
    EQUAL(allocations, after_one);
    return 0;
}
