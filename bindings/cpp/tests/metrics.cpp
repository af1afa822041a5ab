// Snapshots, texts, latencies and decisions say what was done; providers tell values of the
// program's own until they end, also while their runtime is being closed.
#include "setup.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using rota::metrics_format;

rota::tenant labelled(const rota::runtime &runtime, std::string_view label) {
    rota::tenant_options options;
    options.label = label;
    options.slots = 64;
    return MUST(runtime.create_tenant(options));
}

rota::snapshot taken(const rota::runtime &runtime) {
    rota::snapshot now;
    MUST(runtime.metrics(now));
    return now;
}

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

void numbers(const rota::runtime &runtime) {
    const auto b = labelled(runtime, "b"), a = labelled(runtime, "a");
    const auto before = taken(runtime);
    EQUAL(before.tenants().size(), 2);
    CHECK(before.handlers().empty() && before.tenant("b")->counts.submitted == 0);
    for (int i = 0; i < 20; i++)
        still_works(a);
    for (int i = 0; i < 5; i++)
        still_works(b);
    CHECK(!MUST(b.run(rota::job(ROTA_OP_FILL).arg(0).arg(0).arg(4).arg(4))).ok());
    const auto buffer = MUST(b.create_buffer_of(std::vector<float>(25)));
    MUST(b.quiesce());

    const auto now = taken(runtime);
    EQUAL(now.tenants().size(), 2);
    CHECK(now.tenants()[0].label_text() == "a" && now.tenants()[1].label_text() == "b");
    const auto &of_a = *now.tenant("a"), &of_b = *now.tenant("b");
    EQUAL(of_a.counts.id, MUST(a.id()));
    EQUAL(of_a.tenants, 1);
    EQUAL(of_a.counts.submitted, 20);
    EQUAL(of_a.counted().taken_as(rota::completion_status::ok), 20);
    EQUAL(of_a.ages.queued_ns, rota::not_observed);
    EQUAL(of_b.counts.submitted, 6);
    EQUAL(of_b.counted().taken_as(rota::completion_status::faulted), 1);
    EQUAL(of_b.counted().faulted_by(rota::fault::invalid_buffer), 1);
    EQUAL(of_b.counted().used_of(rota::resource::buffers), 1);
    EQUAL(of_b.counted().cap_of(rota::resource::modules), rota::unlimited);
    EQUAL(of_b.counted().refusals_of(rota::resource::slots), 0);
    EQUAL(of_b.counts.bytes_in, 100);
    EQUAL(of_b.counts.quiesces, 1);
    CHECK(now.tenant("") == nullptr && now.tenant("ab") == nullptr && now.tenant("z") == nullptr);

    const auto &all = now.runtime();
    EQUAL(all.counted().taken_as(rota::completion_status::ok), 25);
    EQUAL(all.all.submitted, 26);
    EQUAL(all.tenants, 2);
    EQUAL(all.series, 2);
    EQUAL(all.max_series, 3);
    EQUAL(all.decisions_of(rota::action::mode_chosen), 1);
    EQUAL(all.leases_ended_by(static_cast<rota::lease_end>(rota::lease_ends)), 0);
    CHECK(all.at_ns > before.runtime().at_ns);
    EQUAL(now.handlers().size(), 2);
    EQUAL(now.handler("rota", "nop")->calls, 25);
    EQUAL(now.handler("rota", "fill")->faults, 1);
    CHECK(now.handler("rota", "no such") == nullptr && now.handler("z", "z") == nullptr);
    CHECK(now.value("rota_device_memory_bytes").value_or(0) > 0 && !now.value("none"));

    const auto latency = MUST(a.latency());
    // Of jobs that are submitted one by one some are timed.
    CHECK(latency.count() != 0 && latency.count() <= 20);
    std::uint64_t coarse = 0;
    for (const auto jobs : of_a.latency.buckets)
        coarse += jobs;
    EQUAL(coarse, latency.count());
    const auto half = latency.quantile(0.5), most = latency.quantile(1);
    CHECK(latency.quantile(0) <= half && half <= most && *most < rota::not_observed);

    // What has passed since.
    still_works(a);
    const auto later = taken(runtime);
    const auto passed = MUST(later.since(now));
    EQUAL(passed.runtime().all.submitted, 1);
    EQUAL(passed.runtime().tenants, 2);
    EQUAL(passed.tenant("a")->counts.submitted, 1);
    EQUAL(passed.tenant("b")->counts.submitted, 0);
    EQUAL(passed.tenant("b")->counted().used_of(rota::resource::buffers), 1);
    EQUAL(passed.handler("rota", "nop")->calls, 1);
    EQUAL(passed.handler("rota", "fill")->faults, 0);
    EQUAL(MUST(later.since(rota::snapshot())).tenant("a")->counts.submitted, 21);
    // Series that are older are begun anew.
    EQUAL(MUST(of_a.since(*later.tenant("a"))).counts.submitted, 20);
    CHECK(MUST(a.latency()).since(latency).count() <= 1);

    // One copy goes on without the other; a snapshot is used again for less.
    auto reused = later;
    for (int i = 0; i < 3; i++)
        labelled(runtime, "c");
    MUST(runtime.metrics(reused));
    EQUAL(later.tenants().size(), 2);
    EQUAL(reused.tenants().size(), 3);
    EQUAL(reused.tenants()[2].tenants, 0);
    const auto d = labelled(runtime, "d"), e = labelled(runtime, "e"); // d has the place of c
    still_works(e);
    MUST(runtime.metrics(reused));
    EQUAL(reused.tenants().size(), 4);
    EQUAL(reused.tenant("__overflow__")->counts.submitted, 1);
    CHECK(&reused.tenants().back() == reused.tenant("__overflow__"));
    EQUAL(reused.runtime().overflowed, 1);
    EQUAL(reused.tenant("a")->counts.submitted, 21);
    auto other = open_runtime();
    MUST(other.metrics(reused));
    CHECK(reused.tenants().empty() && reused.handlers().empty() && !reused.values().empty());
    MUST(other.close());
    FAILS(other.metrics(reused), rota::status::invalid_handle, "");
    CHECK(reused.values().empty() && reused.runtime().at_ns == 0);
}

void histogram() {
    rota::latency_histogram none, some;
    CHECK(!none.quantile(0.5));
    EQUAL(none.count(), 0);
    some.buckets[3] = 98;
    some.buckets[100] = 1;
    some.buckets.back() = 1;
    EQUAL(some.count(), 100);
    EQUAL(*some.quantile(-1), rota::latency_histogram::bound(3));
    EQUAL(*some.quantile(0.98), rota::latency_histogram::bound(3));
    EQUAL(*some.quantile(0.99), rota::latency_histogram::bound(100));
    EQUAL(*some.quantile(2), rota::not_observed);
    EQUAL(rota::latency_histogram::bound(0), 64);
    EQUAL(rota::latency_histogram::bound(rota::histogram_buckets), rota::not_observed);
    EQUAL(some.since(some).count(), 0);
}

void texts(const rota::runtime &runtime) {
    const auto a = labelled(runtime, "say \"a\"");
    still_works(a);
    std::string text = "what was there";
    MUST(runtime.metrics_text(metrics_format::prometheus, text));
    CHECK(has(text, "\nrota_tenant_jobs_submitted_total{tenant=\"say \\\"a\\\"\"} 1\n"));
    CHECK(text.back() == '\n' && !has(text, std::string_view("\0", 1)) && !has(text, "was there"));
    MUST(runtime.metrics_text(metrics_format::openmetrics, text));
    CHECK(text.substr(text.size() - 6) == "# EOF\n");
    MUST(runtime.metrics_text(metrics_format::json, text));
    CHECK(text.front() == '{' && has(text, "say \\\"a\\\""));
    FAILS(runtime.metrics_text(metrics_format(7), text), rota::status::invalid_argument, "7");
    CHECK(text.empty());
}

void decisions(const rota::runtime &runtime) {
    const auto kept = MUST(runtime.decisions());
    CHECK(!kept.empty() && kept[0].what() == rota::action::mode_chosen);
    CHECK(kept[0].reason() != "" && kept[0].saved_ns == 0);
    const auto text = MUST(runtime.decisions_text());
    CHECK(text.find("device mode_chosen saved=0ns " + std::string(kept[0].reason()) + "\n") == 0);
    const auto lines = std::count(text.begin(), text.end(), '\n');
    CHECK(static_cast<std::size_t>(lines) >= kept.size());

    const auto other = open_runtime(); // one that keeps none
    CHECK(MUST(other.decisions()).empty() && MUST(other.decisions_text()).empty());
}

void providers(const rota::runtime &runtime) {
    const auto refused = taken(runtime).runtime().refused_names;
    // Any callable, one that only moves too.
    auto token = std::make_shared<int>(7);
    const std::weak_ptr<int> alive = token;
    auto told = [value = std::make_unique<double>(2.5), token = std::move(token)](auto &sink) {
        CHECK(sink.tell("queue_depth", *value));
        CHECK(!sink.tell("queue_depth", 3));
        CHECK(!sink.tell("no name", 3) && !sink.tell("rota_fuel", 3) && !sink.tell({}, 3));
    };
    auto provider = MUST(runtime.add_metrics_provider(std::move(told)));
    auto second = MUST(runtime.add_metrics_provider(
        [](rota::metrics_sink &sink) { CHECK(sink.tell("other", -1)); }));
    auto now = taken(runtime);
    CHECK(now.value("queue_depth") == 2.5 && now.value("other") == -1.0);
    // A snapshot that grows has asked twice.
    CHECK(now.runtime().refused_names >= refused + 4);
    std::string text;
    MUST(runtime.metrics_text(metrics_format::prometheus, text));
    CHECK(has(text, "\nqueue_depth 2.5\n"));

    auto moved = std::move(provider);
    CHECK(moved && !provider);
    MUST(provider.remove());
    CHECK(taken(runtime).value("queue_depth") == 2.5);
    moved = std::move(second); // ends the first
    CHECK(alive.expired());
    now = taken(runtime);
    CHECK(!now.value("queue_depth") && now.value("other") == -1.0);
    MUST(moved.remove());
    MUST(moved.remove());
    CHECK(!moved && !taken(runtime).value("other"));

#if ROTA_HPP_EXCEPTIONS
    const auto thrower = MUST(runtime.add_metrics_provider([](rota::metrics_sink &sink) {
        CHECK(sink.tell("before", 1));
        throw 7;
    }));
    const auto behind = MUST(runtime.add_metrics_provider(
        [](rota::metrics_sink &sink) { CHECK(sink.tell("behind", 2)); }));
    now = taken(runtime);
    CHECK(now.value("before") == 1.0 && now.value("behind") == 2.0);
#endif
}

// A provider keeps its runtime open, and may end after the runtime's close, with what its function
// holds.
void ends() {
    constexpr auto stale = rota::status::invalid_handle;
    auto runtime = open_runtime();
    std::atomic<int> calls{0};
    auto provider =
        MUST(runtime.add_metrics_provider([&, tenant = labelled(runtime, "held")](auto &) {
            CHECK(static_cast<bool>(tenant));
            calls++;
        }));
    rota::snapshot now = taken(runtime);
    std::string text;
    CHECK(calls > 0);
    MUST(runtime.stop());
    EQUAL(taken(runtime).tenants().size(), 1);
    MUST(runtime.close());
    FAILS(runtime.metrics(now), stale, "");
    FAILS(runtime.metrics_text(metrics_format::json, text), stale, "");
    FAILS(runtime.decisions(), stale, "");
    FAILS(runtime.decisions_text(), stale, "");
    FAILS(runtime.add_metrics_provider([](rota::metrics_sink &) {}), stale, "");
    FAILS(provider.remove(), stale, "");
    CHECK(!provider);

    auto other = open_runtime();
    const auto tenant = labelled(other, "a");
    provider = MUST(other.add_metrics_provider([](rota::metrics_sink &) {}));
    other = rota::runtime();
    still_works(tenant);
    MUST(provider.remove());
}

// The runtime is being closed while another thread is in the function of a provider: the provider
// can't be removed any more, and when it has ended its function is not called either.
void ends_while_closing() {
    auto runtime = open_runtime();
    std::atomic<bool> asked{false};
    auto alive = std::make_unique<int>(7);
    auto provider = MUST(runtime.add_metrics_provider([&](rota::metrics_sink &sink) {
        asked = true;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        CHECK(sink.tell("alive", *alive));
    }));
    std::thread reader([&] {
        rota::snapshot now;
        while (runtime.metrics(now)) {
        }
    });
    while (!asked)
        std::this_thread::yield();
    std::thread closer([&] { MUST(runtime.close()); });
    while (runtime.info())
        std::this_thread::yield();
    FAILS(provider.remove(), rota::status::invalid_handle, "");
    alive.reset();
    reader.join();
    closer.join();
}

} // namespace

int main() {
    auto options = test_options();
    options.max_series = 65536;
    FAILS(rota::runtime::open(options), rota::status::invalid_argument, "65536");
    options.max_series = 3;
    options.trace = true;
    options.metrics_socket = "/dev/null"; // something else's name
    FAILS(rota::runtime::open(options), rota::status::io_error, "/dev/null");
    options.metrics_socket = {};
    const auto runtime = MUST(rota::runtime::open(options));
    numbers(runtime);
    options.max_series = 0;
    const auto another = MUST(rota::runtime::open(options));
    EQUAL(taken(another).runtime().max_series, 1024);
    histogram();
    texts(another);
    decisions(another);
    providers(another);
    ends();
    for (int i = 0; i < 3; i++)
        ends_while_closing();
    return 0;
}
