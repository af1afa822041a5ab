// The life of a tenant; its weight, class, share and group; ids, counters of all, and who goes
// together.
#include "setup.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace {

constexpr auto wrong = rota::status::wrong_state;
constexpr auto argument = rota::status::invalid_argument;
constexpr auto stale = rota::status::invalid_handle;

void life(const rota::runtime &runtime) {
    const auto drained = create_tenant(runtime, 64), revoked = create_tenant(runtime, 64);
    CHECK(MUST(drained.state()) == rota::tenant_state::active);
    rota::completion room[64];

    // Quiesced: all have completed, and nothing else has changed.
    rota::ticket last = 0;
    for (std::uint32_t i = 0; i < 10; i++)
        last = MUST(drained.submit(rota::jobs::nop(i)));
    MUST(drained.quiesce());
    CHECK(MUST(drained.state(last)) == rota::ticket_state::done);
    CHECK(MUST(drained.state()) == rota::tenant_state::active);
    auto told = MUST(drained.counters());
    EQUAL(told.submitted, 10);
    EQUAL(told.lag, 0);
    EQUAL(told.outstanding, 10);

    MUST(drained.drain(std::chrono::seconds(10)));
    CHECK(MUST(drained.state()) == rota::tenant_state::draining);
    FAILS(drained.submit(rota::jobs::nop()), wrong, "");
    EQUAL(MUST(drained.poll(room)).size(), 10);
    told = MUST(drained.counters());
    EQUAL(told.quiesces, 2);
    EQUAL(told.quiesce_timeouts, 0);
    EQUAL(told.taken_as(rota::completion_status::ok), 10);

    // A poller tells jobs of it at once, and those that wait for room when it is their turn.
    const auto small = create_tenant(runtime, 4);
    {
        rota::poller loop(small);
        std::vector<std::future<rota::result<rota::completion>>> answers;
        for (std::uint32_t i = 0; i < 9; i++)
            answers.push_back(loop.future(rota::jobs::nop(i)));
        MUST(small.drain());
        MUST(loop.run());
        for (std::uint32_t i = 0; i < 4; i++)
            EQUAL(MUST(answers[i].get()).results[0], i);
        for (std::uint32_t i = 4; i < 9; i++)
            FAILS(answers[i].get(), wrong, "");
        FAILS(loop.future(rota::jobs::nop()).get(), wrong, "");
    }

    // Revoked: what has not begun ends so, and its memory is still there.
    const busy work(revoked);
    const std::uint32_t words[] = {3, 1, 4};
    const auto kept = MUST(revoked.create_buffer_of(words));
    const std::vector<rota_job> jobs(41, work.job().barrier());
    EQUAL(revoked.submit(jobs).accepted, 41);
    MUST(revoked.revoke());
    CHECK(MUST(revoked.state()) == rota::tenant_state::revoked);
    FAILS(revoked.revoke(), wrong, "");
    FAILS(revoked.drain(), wrong, "");
    FAILS(revoked.submit(rota::jobs::nop()), wrong, "");
    FAILS(revoked.create_buffer<char>(1), wrong, "");
    MUST(revoked.quiesce());
    const auto done = MUST(revoked.poll(room));
    EQUAL(done.size(), 41);
    std::size_t begun = 0;
    while (begun < 41 && done[begun].ok())
        begun++;
    CHECK(begun < 41);
    for (const auto &one : done.subspan(begun))
        CHECK(one.outcome() == rota::completion_status::revoked);
    EQUAL(MUST(kept.read())[2], 4);

    // Times are passed on: there is no end to a job that nobody ran yet.
    const auto late = create_tenant(runtime, 64);
    const busy more(late);
    std::vector<rota_job> many(64, more.job());
    EQUAL(late.submit(many).accepted, 64);
    FAILS(late.quiesce(rota::timeout()), rota::status::timeout, "");
    FAILS(late.drain(rota::timeout()), rota::status::timeout, "");
    EQUAL(MUST(late.counters()).quiesce_timeouts, 2);
    const auto soon = late.revoke(rota::timeout());
    if (!soon) {
        CHECK(soon.error() == rota::status::timeout);
        MUST(late.revoke());
    }
    CHECK(MUST(late.state()) == rota::tenant_state::revoked);
    MUST(late.quiesce());
}

void turns(const rota::runtime &runtime) {
    rota::tenant_options options;
    options.weight = 10000;
    options.latency_class = rota::latency_class::interactive;
    options.share_permille = 900;
    options.group = 3;
    const auto tenant = MUST(runtime.create_tenant(options));
    still_works(tenant);
    const auto done = MUST(tenant.run(rota::jobs::nop(1, 2).normal()));
    CHECK(done.ok());
    CHECK(MUST(tenant.run(rota::jobs::nop(1, 2).background())).ok());
    rota_job both = rota::jobs::nop();
    both.flags = ROTA_JOB_NORMAL | ROTA_JOB_BACKGROUND;
    FAILS(tenant.run(both), argument, "");

    MUST(tenant.set_weight(1));
    FAILS(tenant.set_weight(0), argument, "");
    FAILS(tenant.set_weight(10001), argument, "10001");
    MUST(tenant.set_share(0));
    FAILS(tenant.set_share(1001), argument, "1001");
    still_works(tenant);

    // Each field arrives: what is too much of it is refused by its number.
    options.weight = 10001;
    FAILS(runtime.create_tenant(options), argument, "10001");
    options.weight = 0;
    options.latency_class = rota::latency_class(77);
    FAILS(runtime.create_tenant(options), argument, "77");
    options.latency_class = rota::latency_class::background;
    options.share_permille = 1002;
    FAILS(runtime.create_tenant(options), argument, "1002");
    options.share_permille = 0;
    options.group = 5000;
    FAILS(runtime.create_tenant(options), argument, "5000");
}

void all_of_a_runtime() {
    const auto runtime = open_runtime();
    CHECK(MUST(runtime.tenants()).empty() && MUST(runtime.counters()).empty());
    std::vector<rota::tenant> tenants;
    std::vector<std::uint64_t> ids;
    for (std::uint32_t i = 0; i < 3; i++) {
        tenants.push_back(create_tenant(runtime, 64));
        ids.push_back(MUST(tenants[i].id()));
        for (std::uint32_t n = 0; n < 10 * i; n++)
            still_works(tenants[i]);
    }
    auto sorted = ids;
    std::sort(sorted.begin(), sorted.end());
    CHECK(sorted[0] != 0 && MUST(runtime.tenants()) == sorted);

    const auto told = MUST(runtime.counters());
    EQUAL(told.size(), 3);
    for (std::size_t i = 0; i < 3; i++) {
        EQUAL(told[i].id, sorted[i]);
        const auto which = std::find(ids.begin(), ids.end(), told[i].id) - ids.begin();
        EQUAL(told[i].submitted, 10 * which);
        EQUAL(told[i].taken_as(rota::completion_status::ok), 10 * which);
    }

    // The first has a conflict with both others: it goes alone, and they go together.
    const std::vector<std::uint8_t> conflicts{0, 1, 0, 0, 0, 0, 1, 0, 0};
    std::vector<std::uint32_t> turns(3);
    for (int call = 0; call < 4; call++) {
        const auto picked = MUST(runtime.pick(ids, conflicts));
        CHECK(picked == std::vector<std::uint32_t>{0} ||
              picked == (std::vector<std::uint32_t>{1, 2}));
        for (const auto i : picked)
            turns[i]++;
    }
    CHECK(turns == std::vector<std::uint32_t>(3, 2));
    CHECK(MUST(runtime.pick({}, {})).empty());
    FAILS(runtime.pick(ids, {}), argument, "is 0");
    const std::vector<std::uint64_t> twice{ids[0], ids[0]}, none{~std::uint64_t{0}};
    FAILS(runtime.pick(twice, std::vector<std::uint8_t>(4)), argument, "");
    FAILS(runtime.pick(none, std::vector<std::uint8_t>(1)), stale, "");

    // Found by its id, it is used but not owned.
    std::optional<rota::tenant> found(MUST(runtime.find_tenant(ids[1])));
    CHECK(found->native() == tenants[1].native());
    still_works(*found);
    EQUAL(MUST(tenants[1].counters()).submitted, 11);
    auto buffer = MUST(found->create_buffer<float>(4));
    MUST(found->close());
    still_works(tenants[1]);
    found.reset();
    still_works(tenants[1]);
    float one[1] = {};
    MUST(buffer.read(one));
    tenants.pop_back();
    EQUAL(MUST(runtime.tenants()).size(), 2);
    FAILS(runtime.find_tenant(ids[2]), stale, "");
    FAILS(runtime.find_tenant(0), stale, "");
    found = MUST(runtime.find_tenant(ids[1]));
    MUST(tenants[1].close());
    FAILS(found->submit(rota::jobs::nop()), stale, "");
    FAILS(found->revoke(), stale, "");
    FAILS(buffer.read(one), stale, "");
}

} // namespace

int main() {
    const auto runtime = open_runtime();
    life(runtime);
    turns(runtime);
    all_of_a_runtime();
    return 0;
}
