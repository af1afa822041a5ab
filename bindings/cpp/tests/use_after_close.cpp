// close() frees at once what others still hold on to: their calls give invalid_handle, closing
// again does nothing, and their own ends are quiet.
#include "setup.hpp"

int main() {
    constexpr auto stale = rota::status::invalid_handle;
    auto runtime = open_runtime();
    auto tenant = create_tenant(runtime);
    auto other = create_tenant(runtime);
    auto buffer = MUST(tenant.create_buffer<float>(4));
    float one[1] = {};

    auto closed = MUST(tenant.create_buffer<float>(4));
    const auto job = rota::jobs::fill(closed, 1.0f);
    MUST(closed.close());
    MUST(closed.close());
    FAILS(closed.write(one), stale, "");
    FAILS(closed.read(), stale, "");
    CHECK(MUST(tenant.run(job)).why() == rota::fault::invalid_buffer);
    CHECK(MUST(other.run(rota::jobs::fill(buffer, 1.0f))).why() == rota::fault::foreign_buffer);

    MUST(tenant.close());
    MUST(tenant.close());
    FAILS(tenant.submit(rota::jobs::nop()), stale, "");
    FAILS(tenant.create_buffer<float>(4), stale, "");
    FAILS(tenant.state(), stale, "");
    FAILS(tenant.counters(), stale, "");
    FAILS(tenant.latency(), stale, "");
    FAILS(tenant.set_quota({}), stale, "");
    FAILS(tenant.quiesce(), stale, "");
    FAILS(tenant.revoke(), stale, "");
    FAILS(buffer.write(one), stale, "");
    FAILS(buffer.map(), stale, "");
    FAILS(buffer.close(), stale, "");
    still_works(other);

    auto kept = MUST(other.create_buffer<float>(4));
    MUST(runtime.stop());
    FAILS(other.submit(rota::jobs::nop()), rota::status::stopped, "");
    MUST(runtime.close());
    MUST(runtime.close());
    FAILS(runtime.info(), stale, "");
    FAILS(runtime.tenants(), stale, "");
    FAILS(runtime.counters(), stale, "");
    FAILS(other.submit(rota::jobs::nop()), stale, "");
    FAILS(kept.read(one), stale, "");

    // New objects don't answer to the old names.
    const auto again = open_runtime();
    const auto fresh = create_tenant(again);
    const auto here = MUST(fresh.create_buffer<float>(4));
    FAILS(other.submit(rota::jobs::nop()), stale, "");
    FAILS(kept.read(one), stale, "");
    MUST(here.read(one));
    still_works(fresh);
    return 0;
}
