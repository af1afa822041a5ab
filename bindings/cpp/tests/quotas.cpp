// Quotas: of a tenant and of a runtime, what a refusal tells, reservations, and that a poller waits
// for slots that come back.
#include "setup.hpp"

#include <optional>
#include <vector>

namespace {

constexpr auto exceeded = rota::status::quota_exceeded;

// A refusal by a quota, and all that it tells.
template <class T>
void refused(const rota::result<T> &result, rota::resource what, std::uint64_t requested,
             std::uint64_t used, std::uint64_t cap, bool of_runtime, bool retryable) {
    FAILS(result, exceeded, "quota");
    const rota::error &why = result.error();
    CHECK(why.resource() == what);
    EQUAL(why.requested(), requested);
    EQUAL(why.used(), used);
    EQUAL(why.cap(), cap);
    EQUAL(why.of_runtime(), of_runtime);
    EQUAL(why.retryable(), retryable);
}

rota::runtime with_three_buffers() {
    auto options = test_options();
    options.quota.buffers = 3;
    return MUST(rota::runtime::open(options));
}

rota::tenant with_quota(const rota::runtime &runtime, const rota::quota &most,
                        std::uint32_t slots = 8) {
    rota::tenant_options options;
    options.slots = slots;
    options.quota = most;
    return MUST(runtime.create_tenant(options));
}

void each_resource(const rota::runtime &runtime) {
    rota::quota most;
    most.slots = 2;
    most.staging_bytes = 100;
    most.buffer_bytes = 1000;
    most.modules = 0;
    most.fuel_per_job = 50;
    const auto tenant = with_quota(runtime, most);

    const std::vector<rota_job> jobs(3, rota_job(rota::jobs::nop(1, 2)));
    rota::ticket tickets[3] = {};
    const auto sent = tenant.submit(jobs, tickets);
    EQUAL(sent.accepted, 2);
    refused(sent.outcome, rota::resource::slots, 1, 2, 2, false, true);
    EQUAL(MUST(tenant.wait(tickets[0])).results[1], 2);
    EQUAL(MUST(tenant.wait(tickets[1])).results[1], 2);

    refused(tenant.submit(rota::jobs::spin(10).fuel(51)), rota::resource::fuel_per_job, 51, 0, 50,
            false, false);
    CHECK(MUST(tenant.run(rota::jobs::spin(1000))).why() == rota::fault::fuel_exhausted);

    refused(tenant.load({"fn f() {}", {{rota::first_opcode, "f"}}}), rota::resource::modules, 1, 0,
            0, false, false);

    auto buffer = MUST(tenant.create_buffer<char>(600));
    refused(tenant.create_buffer<char>(401), rota::resource::buffer_bytes, 401, 600, 1000, false,
            false);
    const auto second = MUST(tenant.create_buffer<char>(1)),
               third = MUST(tenant.create_buffer<char>(1));
    refused(tenant.create_buffer<char>(1), rota::resource::buffers, 1, 3, 3, true, false);

    const std::vector<char> bytes(101);
    refused(buffer.write(bytes), rota::resource::staging_bytes, 101, 0, 100, false, false);

    const auto told = MUST(tenant.counters());
    EQUAL(told.used_of(rota::resource::buffers), 3);
    EQUAL(told.used_of(rota::resource::buffer_bytes), 602);
    EQUAL(told.cap_of(rota::resource::slots), 2);
    EQUAL(told.cap_of(rota::resource::buffers), rota::unlimited);
    for (const auto what :
         {rota::resource::slots, rota::resource::staging_bytes, rota::resource::buffers,
          rota::resource::buffer_bytes, rota::resource::modules, rota::resource::fuel_per_job})
        EQUAL(told.refusals_of(what), 1);
    EQUAL(told.refusals_of(rota::resource::fuel_per_second), 0);
    EQUAL(told.faulted_by(rota::fault::fuel_exhausted), 1);
    EQUAL(told.taken_as(rota::completion_status::faulted), 1);
    EQUAL(told.taken_as(rota::completion_status::ok), 2);
    EQUAL(told.refusals_of(rota::resource::none), 0); // it is beyond the arrays

    // Less than it has is refused and changes nothing; none at all; and no limits.
    rota::quota little;
    little.buffer_bytes = 601;
    const auto kept = tenant.set_quota(little);
    FAILS(kept, exceeded, "602");
    CHECK(kept.error().resource() == rota::resource::buffer_bytes);
    EQUAL(kept.error().requested(), 0);
    rota::quota none;
    none.fuel_per_second = 0;
    MUST(tenant.set_quota(none));
    refused(tenant.submit(rota::jobs::nop()), rota::resource::fuel_per_second, 1, 0, 0, false,
            false);
    MUST(tenant.set_quota({}));
    CHECK(MUST(tenant.run(rota::jobs::spin(10).fuel(51))).ok());
    MUST(buffer.close());
    MUST(tenant.create_buffer<char>(2000));
}

void reservations() {
    std::optional<rota::runtime> runtime(open_runtime());
    std::optional<rota::tenant> tenant(with_quota(*runtime, {}, 4));
    rota::quota most;
    most.buffer_bytes = 100;
    MUST(tenant->set_quota(most));
    auto held = MUST(tenant->reserve(rota::resource::buffer_bytes, 60));
    CHECK(held && held.native() != nullptr);
    refused(tenant->create_buffer<char>(41), rota::resource::buffer_bytes, 41, 60, 100, false,
            false);
    refused(tenant->reserve(rota::resource::buffer_bytes, 41), rota::resource::buffer_bytes, 41, 60,
            100, false, false);
    MUST(held.release());
    CHECK(!held);
    MUST(held.release());
    {
        rota::reservation moved = MUST(tenant->reserve(rota::resource::buffer_bytes, 100));
        held = std::move(moved);
        CHECK(held && !moved);
        MUST(moved.release()); // it is none
        FAILS(tenant->create_buffer<char>(1), exceeded, "");
        held = rota::reservation(); // assigning over a live one gives it back
        MUST(tenant->create_buffer<char>(100));
        const auto ended = MUST(tenant->reserve(rota::resource::slots, 1));
        EQUAL(MUST(tenant->counters()).used_of(rota::resource::slots), 1);
    }
    EQUAL(MUST(tenant->counters()).used_of(rota::resource::slots), 0);
    FAILS(tenant->reserve(rota::resource::fuel_per_job, 1), rota::status::invalid_argument, "fuel");
    FAILS(tenant->reserve(rota::resource::none, 1), rota::status::invalid_argument, "");

    held = MUST(tenant->reserve(rota::resource::slots, 3));
    MUST(tenant->close());
    tenant.reset();
    runtime.reset();
    MUST(held.release()); // after both
}

void a_poller_waits_for_slots() {
    auto options = test_options();
    options.quota.slots = 3;
    const auto runtime = MUST(rota::runtime::open(options));
    rota::quota two;
    two.slots = 2;
    const auto tenant = with_quota(runtime, two, 64), other = create_tenant(runtime, 64);

    {
        rota::poller loop(tenant);
        std::vector<std::future<rota::result<rota::completion>>> answers;
        for (std::uint32_t i = 0; i < 100; i++)
            answers.push_back(loop.future(rota::jobs::nop(i)));
        MUST(loop.run());
        for (std::uint32_t i = 0; i < 100; i++)
            EQUAL(MUST(answers[i].get()).results[0], i);
        CHECK(MUST(tenant.counters()).refusals_of(rota::resource::slots) >= 1);

        // One slot is left of everybody's: it is enough to go on with.
        std::vector<rota::ticket> held{MUST(other.submit(rota::jobs::nop())),
                                       MUST(other.submit(rota::jobs::nop()))};
        answers.clear();
        for (std::uint32_t i = 0; i < 10; i++)
            answers.push_back(loop.future(rota::jobs::nop(i)));
        MUST(loop.run());
        for (std::uint32_t i = 0; i < 10; i++)
            EQUAL(MUST(answers[i].get()).results[0], i);

        // Without any nothing of the poller's own could make room: the job is told.
        held.push_back(MUST(other.submit(rota::jobs::nop())));
        const auto refusal = loop.future(rota::jobs::nop()).get();
        refused(refusal, rota::resource::slots, 1, 3, 3, true, true);
        for (const auto ticket : held)
            MUST(other.wait(ticket));
        auto last = loop.future(rota::jobs::nop(7));
        MUST(loop.run());
        EQUAL(MUST(last.get()).results[0], 7);
        EQUAL(loop.open(), 0);
    }
    still_works(tenant);
}

} // namespace

int main() {
    each_resource(with_three_buffers());
    reservations();
    a_poller_waits_for_slots();

    // What is about no quota says so.
    const rota::error plain(rota::status::timeout);
    CHECK(plain.resource() == rota::resource::none);
    EQUAL(plain.requested() + plain.used() + plain.cap() + plain.of_runtime(), 0);
    CHECK(std::strcmp(rota::name(rota::resource::slots), "ROTA_RESOURCE_SLOTS") == 0);
    static_assert(rota::resource_count == 7);
    return 0;
}
