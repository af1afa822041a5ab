// Three tenants share a device, and one of them asks for all that it can get. Weights say how much
// each gets of the device, classes who goes first, quotas how much each may hold. Then one tenant
// lends another a buffer, and the greedy one is revoked.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <rota/rota.hpp>
#include <vector>

namespace {

using clock = std::chrono::steady_clock;

// What studio and flooder do all the time.
const rota_job work = rota::jobs::spin(2000);

// Hands in as much as is accepted. The refusal of what is too much is part of normal work.
rota::submission fill(const rota::tenant &tenant) {
    static const std::vector<rota_job> jobs(1024, work);
    return tenant.submit(jobs);
}

// Takes what has completed.
void take(const rota::tenant &tenant) {
    std::array<rota::completion, 256> room;
    while (tenant.poll(room).value().size() == room.size()) {
    }
}

// What a refusal by a quota says. Gives whether it was one.
bool explain(const rota::error &why) {
    std::printf("  %s\n", why.message());
    std::printf("  %s: asked for %llu, in use %llu, allowed %llu, by the %s's quota%s\n",
                rota::name(why.resource()), static_cast<unsigned long long>(why.requested()),
                static_cast<unsigned long long>(why.used()),
                static_cast<unsigned long long>(why.cap()), why.of_runtime() ? "runtime" : "tenant",
                why.retryable() ? "; worth another try" : "");
    return why == rota::status::quota_exceeded;
}

// A second in which studio and flooder always have work, and player asks for something small again
// and again. Gives whether each got what its weight says, more or less.
bool share_a_second(const rota::tenant &studio, const rota::tenant &player,
                    const rota::tenant &flooder) {
    std::vector<double> waited; // in microseconds
    const auto end = clock::now() + std::chrono::seconds(1);
    while (clock::now() < end) {
        for (const auto *tenant : {&studio, &flooder}) {
            take(*tenant);
            static_cast<void>(fill(*tenant));
        }
        const auto asked = clock::now();
        player.run(rota::jobs::nop()).value();
        waited.push_back(std::chrono::duration<double, std::micro>(clock::now() - asked).count());
    }
    const auto studios = static_cast<double>(studio.counters().value().fuel);
    const auto flooders = static_cast<double>(flooder.counters().value().fuel);
    std::sort(waited.begin(), waited.end());
    std::printf("  studio   %4.1f %% of the loop iterations\n",
                100 * studios / (studios + flooders));
    std::printf("  flooder  %4.1f %%\n", 100 * flooders / (studios + flooders));
    std::printf("  player   %zu answers, half of them within %.1f us and 99 %% within %.1f us\n",
                waited.size(), waited[waited.size() / 2], waited[waited.size() * 99 / 100]);
    return studios > flooders;
}

} // namespace

int main() {
    // All tenants together hold 64 MiB of buffers at most; each has limits of its own too.
    rota::runtime_options of_runtime;
    of_runtime.quota.buffer_bytes = 64 << 20;
    const auto runtime = rota::runtime::open(of_runtime).value();

    rota::tenant_options options;
    options.label = "studio";
    options.weight = 300;
    const auto studio = runtime.create_tenant(options).value();

    options.label = "player";
    options.weight = 100;
    options.latency_class = rota::latency_class::interactive;
    options.quota.slots = 8;
    const auto player = runtime.create_tenant(options).value();

    options.label = "flooder";
    options.latency_class = rota::latency_class::background;
    options.quota.slots = 512;
    options.quota.buffer_bytes = 1 << 20;
    const auto flooder = runtime.create_tenant(options).value();
    bool right = true;

    std::printf("The flooder hands in 1,024 jobs, and asks for 2 MiB\n");
    const auto sent = fill(flooder);
    right = !sent && explain(sent.outcome.error()) && right;
    const auto large = flooder.create_buffer<char>(2 << 20);
    right = !large && explain(large.error()) && right;

    std::printf("One second: studio has weight 300, flooder 100, player is interactive\n");
    right = share_a_second(studio, player, flooder) && right;

    std::printf("The studio lends the player a buffer to read\n");
    const std::vector<std::uint32_t> notes(1000, 42);
    const auto score = studio.create_buffer_of(notes).value();
    const auto lent = score.grant(player, rota::access::read_only).value();
    const auto sum = player.run(rota::jobs::sum_u32(lent)).value();
    const auto write = player.run(rota::jobs::fill(lent, 0u)).value();
    score.take_back(player).value();
    const auto after = player.run(rota::jobs::sum_u32(lent)).value();
    std::printf("  its sum           %llu\n", static_cast<unsigned long long>(sum.u64()));
    std::printf("  writing it        %s\n", write.message());
    std::printf("  when taken back   %s\n", after.message());
    right = sum.u64() == 42'000 && write.why() == rota::fault::read_only &&
            after.why() == rota::fault::invalid_buffer && right;

    std::printf("The flooder is revoked\n");
    static_cast<void>(fill(flooder));
    flooder.revoke().value();  // no job of it begins from here on
    flooder.quiesce().value(); // and the last one has ended
    take(flooder);
    const auto told = flooder.counters().value();
    std::printf("  of %llu jobs %llu were done, %llu ended as revoked\n",
                static_cast<unsigned long long>(told.submitted),
                static_cast<unsigned long long>(told.taken_as(rota::completion_status::ok)),
                static_cast<unsigned long long>(told.taken_as(rota::completion_status::revoked)));
    const auto late = flooder.submit(work);
    std::printf("  another job       %s\n", late ? "was accepted" : late.error().message());
    const auto other = player.run(rota::jobs::nop(20, 22)).value();
    std::printf("  the player's      %s\n", other.message());
    right = !late && late.error() == rota::status::wrong_state && other.ok() && right;
    return right ? 0 : 1;
}
