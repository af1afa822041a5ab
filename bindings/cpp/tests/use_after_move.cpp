// What was moved from is none: it says so, and its calls give null_pointer instead of crashing.
#include "setup.hpp"

int main() {
    auto runtime = open_runtime();
    auto tenant = create_tenant(runtime);
    auto buffer = MUST(tenant.create_buffer<float>(4));
    auto read = MUST(rota::outputs::create());

    const auto runtime_now = std::move(runtime);
    const auto tenant_now = std::move(tenant);
    const auto buffer_now = std::move(buffer);
    const auto read_now = std::move(read);
    still_works(tenant_now);
    CHECK(runtime_now && tenant_now && buffer_now && read_now);
    CHECK(!runtime && !tenant && !buffer && !read);
    CHECK(runtime.native() == nullptr && tenant.native() == nullptr && buffer.id() == 0);

    constexpr auto none = rota::status::null_pointer;
    FAILS(runtime.info(), none, "");
    FAILS(runtime.stop(), none, "");
    FAILS(runtime.create_tenant(), none, "");
    FAILS(runtime.tenants(), none, "");
    FAILS(runtime.counters(), none, "");
    FAILS(runtime.find_tenant(1), none, "");
    FAILS(runtime.pick({}, {}), none, "");
    FAILS(runtime.recorder_state(), none, "");
    FAILS(runtime.recorder_path(), none, "");
    FAILS(runtime.recorder_sync(), none, "");
    FAILS(runtime.recorder_note(rota::evidence::transient), none, "");
    FAILS(runtime.recorder_note(tenant_now, 0, rota::evidence::transient), none, "");
    rota::snapshot snapshot;
    std::string text;
    FAILS(runtime.metrics(snapshot), none, "");
    FAILS(runtime.metrics_text(rota::metrics_format::json, text), none, "");
    FAILS(runtime.add_metrics_provider([](rota::metrics_sink &) {}), none, "");
    FAILS(runtime.decisions(), none, "");
    FAILS(runtime.decisions_text(), none, "");
    MUST(runtime.close());

    rota::completion room[1];
    const rota_job jobs[1] = {rota::jobs::nop()};
    FAILS(tenant.submit(rota::jobs::nop()), none, "");
    FAILS(tenant.submit(jobs).outcome, none, "");
    FAILS(tenant.poll(room), none, "");
    FAILS(tenant.wait(1), none, "");
    FAILS(tenant.run(rota::jobs::nop()), none, "");
    FAILS(tenant.cancel(1), none, "");
    FAILS(tenant.state(1), none, "");
    FAILS(tenant.event_fd(), none, "");
    FAILS(tenant.state(), none, "");
    FAILS(tenant.id(), none, "");
    FAILS(tenant.counters(), none, "");
    FAILS(tenant.latency(), none, "");
    FAILS(tenant.set_quota({}), none, "");
    FAILS(tenant.set_weight(1), none, "");
    FAILS(tenant.set_share(1), none, "");
    FAILS(tenant.reserve(rota::resource::slots, 1), none, "");
    FAILS(tenant.quiesce(), none, "");
    FAILS(tenant.drain(), none, "");
    FAILS(tenant.revoke(), none, "");
    FAILS(tenant.create_buffer<float>(1), none, "");
    MUST(tenant.close());

    float one[1] = {};
    FAILS(buffer.write(one), none, "");
    FAILS(buffer.read(one), none, "");
    FAILS(buffer.fill_bytes(0, 0, 1), none, "");
    FAILS(buffer.map(), none, "");
    FAILS(buffer.grant(tenant_now), none, "");
    FAILS(buffer_now.grant(tenant), none, "");
    FAILS(buffer.take_back(tenant_now), none, "");
    FAILS(buffer_now.take_back(tenant), none, "");
    EQUAL(buffer.size(), 0);
    MUST(buffer.close());

    FAILS(read.get(0), none, "");
    FAILS(read.stats(), none, "");
    const rota::read_range ranges[1] = {buffer_now};
    FAILS(tenant_now.read_into(ranges, read), none, "");
    still_works(tenant_now);
    return 0;
}
