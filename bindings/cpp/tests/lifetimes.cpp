// What was made of an object keeps it alive: tenants outlive their runtime object, buffers and
// mappings their tenant and buffer objects, in any order; assigning over a live object frees it.
#include "setup.hpp"

#include <optional>

namespace {

std::uint32_t tenants(const rota::runtime &runtime) { return MUST(runtime.info()).tenants; }

void children_outlive_their_parents() {
    std::optional<rota::runtime> runtime(open_runtime());
    std::optional<rota::tenant> tenant(create_tenant(*runtime));
    runtime.reset();
    still_works(*tenant);

    std::optional<rota::buffer<std::uint32_t>> a(MUST(tenant->create_buffer<std::uint32_t>(64)));
    std::optional<rota::buffer<std::uint32_t>> b(MUST(tenant->create_buffer<std::uint32_t>(64)));
    MUST(a->write(std::vector<std::uint32_t>{1, 2, 3}));
    auto mapped = a->map();
    tenant.reset();
    a.reset();
    EQUAL(MUST(b->read())[0], 0);
    b.reset();
    if (mapped) {
        EQUAL((*mapped)[2], 3);
    } else {
        CHECK(mapped.error() == rota::status::unsupported);
    }
}

void the_last_child_closes_the_tenant() {
    const auto runtime = open_runtime();
    std::optional<rota::tenant> tenant(create_tenant(runtime));
    std::optional<rota::buffer<float>> first(MUST(tenant->create_buffer<float>(4)));
    std::optional<rota::buffer<float>> second(MUST(tenant->create_buffer<float>(4)));
    tenant.reset();
    EQUAL(tenants(runtime), 1);
    first.reset();
    EQUAL(tenants(runtime), 1);
    second.reset();
    EQUAL(tenants(runtime), 0);
}

void dropped_buffers_are_freed() {
    const auto runtime = open_runtime();
    const auto tenant = create_tenant(runtime);
    for (int round = 0; round < 300; round++) { // 64 MiB each
        const auto buffer = MUST(tenant.create_buffer<std::uint32_t>(16 << 20));
        CHECK(MUST(tenant.run(rota::jobs::fill(buffer.part(0, 16), 1u))).ok());
    }
}

void assigning_over_a_live_one() {
    const auto runtime = open_runtime();
    auto tenant = create_tenant(runtime);
    tenant = create_tenant(runtime);
    EQUAL(tenants(runtime), 1);
    still_works(tenant);

    auto buffer = MUST(tenant.create_buffer<std::uint32_t>(4));
    const rota_buffer old = buffer.id();
    buffer = MUST(tenant.create_buffer<std::uint32_t>(8));
    EQUAL(buffer.size(), 8);
    FAILS(tenant.adopt_buffer<std::uint32_t>(old), rota::status::invalid_handle, "");

    auto mapped = buffer.map();
    if (mapped) {
        *mapped = MUST(buffer.map());
        mapped->data()[1] = 11;
        EQUAL(MUST(buffer.read())[1], 11);
        MUST(mapped->unmap());
        MUST(buffer.close()); // no mapping is left: each was ended
    }

    auto read = MUST(rota::outputs::create());
    read = MUST(rota::outputs::create());
    CHECK(read);

    auto *const same = &tenant; // a self-move changes nothing
    tenant = std::move(*same);
    still_works(tenant);
}

} // namespace

int main() {
    children_outlive_their_parents();
    the_last_child_closes_the_tenant();
    dropped_buffers_are_freed();
    assigning_over_a_live_one();
    return 0;
}
