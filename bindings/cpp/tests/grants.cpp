// A buffer that one tenant lets another use: within its rights, until it is taken back, or one of
// the two buffers or tenants has ended; and what keeps what alive.
#include "setup.hpp"

#include <optional>

namespace {

constexpr auto stale = rota::status::invalid_handle;
constexpr auto wrong = rota::status::wrong_state;

std::uint64_t sum(const rota::tenant &tenant, const rota::buffer<std::uint32_t> &words) {
    const auto done = MUST(tenant.run(rota::jobs::sum_u32(words)));
    CHECK(done.ok());
    return done.u64();
}

rota::fault fault_of(const rota::tenant &tenant, const rota::buffer<std::uint32_t> &words) {
    return MUST(tenant.run(rota::jobs::fill(words, 9u))).why();
}

void rights(const rota::tenant &owner, const rota::tenant &other) {
    auto buffer = MUST(owner.create_buffer<std::uint32_t>(64));
    const std::uint32_t three[] = {3, 3, 3};
    MUST(buffer.write(three));

    auto lent = MUST(buffer.grant(other, rota::access::read_only));
    EQUAL(lent.size(), 64);
    CHECK(lent.id() != buffer.id());
    EQUAL(sum(other, lent), 9);
    EQUAL(MUST(lent.read())[2], 3);
    CHECK(fault_of(other, lent) == rota::fault::read_only);
    FAILS(lent.write(three), rota::status::invalid_argument, "");
    FAILS(lent.map(), wrong, "");
    CHECK(fault_of(other, buffer) == rota::fault::foreign_buffer);
    FAILS(buffer.grant(other), wrong, "");
    FAILS(lent.grant(owner), wrong, "");
    FAILS(buffer.grant(owner), rota::status::invalid_argument, "");

    MUST(buffer.take_back(other));
    CHECK(fault_of(other, lent) == rota::fault::invalid_buffer);
    FAILS(lent.read(), stale, "");
    FAILS(lent.close(), stale, "");
    FAILS(buffer.take_back(other), wrong, "");
    EQUAL(sum(owner, buffer), 9);

    // To write; its own end ends the grant, so that it can be given again.
    {
        const auto again = MUST(buffer.grant(other));
        CHECK(MUST(other.run(rota::jobs::fill(again.part(0, 4), 5u))).ok());
        EQUAL(sum(owner, buffer), 20);
    }
    lent = MUST(buffer.grant(other));
    MUST(lent.close());
    FAILS(buffer.take_back(other), wrong, "");
    lent = MUST(buffer.grant(other));
    MUST(buffer.close()); // it doesn't wait for those that it was granted to
    FAILS(lent.read(), stale, "");
    CHECK(fault_of(other, lent) == rota::fault::invalid_buffer);
}

void ownership(const rota::runtime &runtime) {
    std::optional<rota::tenant> owner(create_tenant(runtime)), other(create_tenant(runtime));
    std::optional<rota::buffer<std::uint32_t>> buffer(
        MUST(owner->create_buffer<std::uint32_t>(64)));
    std::optional<rota::buffer<std::uint32_t>> lent(MUST(buffer->grant(*other)));
    const auto tenants = [&] { return MUST(runtime.tenants()).size(); };

    // It keeps its own tenant alive, not the one that granted it.
    other.reset();
    EQUAL(tenants(), 2);
    EQUAL(MUST(lent->read())[0], 0);
    owner.reset();
    EQUAL(tenants(), 2); // the buffer does
    buffer.reset();
    EQUAL(tenants(), 1);
    FAILS(lent->read(), stale, "");
    lent.reset();
    EQUAL(tenants(), 0);

    // Across runtimes there is none.
    const auto elsewhere = open_runtime();
    const auto here = create_tenant(runtime), there = create_tenant(elsewhere);
    const auto mine = MUST(here.create_buffer<std::uint32_t>(1));
    FAILS(mine.grant(there), rota::status::invalid_argument, "");
    FAILS(mine.take_back(there), rota::status::invalid_argument, "");
    // A quota of the one it goes to counts it.
    rota::quota none;
    none.buffers = 0;
    const auto poor = create_tenant(runtime);
    MUST(poor.set_quota(none));
    const auto refused = mine.grant(poor);
    FAILS(refused, rota::status::quota_exceeded, "");
    CHECK(refused.error().resource() == rota::resource::buffers);
}

} // namespace

int main() {
    const auto runtime = open_runtime();
    rights(create_tenant(runtime), create_tenant(runtime));
    ownership(runtime);
    return 0;
}
