// Jobs that belong to traces, by every way to submit: each has a span in its trace, and who isn't
// sampled has none. What the queue and the exporters say of themselves, also where nobody is there
// to export to; trace contexts as text; options that can't be; and runtimes without spans.
#include "coroutines.hpp"
#include "recordings.hpp"

#include <array>
#include <cmath>
#include <tuple>
#include <unistd.h>
#include <vector>

namespace {

constexpr std::string_view traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

constexpr rota::trace_context context_of(std::uint8_t trace, bool sampled = true) {
    rota::trace_context made;
    made.trace_id[0] = 0xab;
    made.trace_id[15] = trace;
    made.parent_id[7] = trace;
    made.flags = sampled ? ROTA_TRACE_SAMPLED : 0;
    return made;
}

static_assert(!rota::trace_context().valid() && !rota::trace_context().sampled());
static_assert(context_of(1).valid() && context_of(1).sampled() && !context_of(1, false).sampled());

// How many spans of a trace are in the file, all of them children of the same one.
std::size_t spans_of(const std::string &file, std::uint8_t trace) {
    char wanted[100], parent[50];
    std::snprintf(wanted, sizeof wanted, "\"trace_id\":\"ab%028x%02x\"", 0, unsigned{trace});
    std::snprintf(parent, sizeof parent, ",\"parent_id\":\"%014x%02x\"", 0, unsigned{trace});
    std::size_t found = 0;
    for (auto at = file.find(wanted); at != std::string::npos; at = file.find(wanted, at + 1)) {
        CHECK(file.find(parent, at) < file.find('\n', at));
        found++;
    }
    return found;
}

// The path is only read: it stays the caller's.
rota::runtime_options to_file(const std::string &path) {
    auto options = test_options();
    options.spans.emplace();
    options.spans->path = path;
    options.spans->sampler = rota::sampler::parent_always_off;
    return options;
}

void contexts() {
    const auto context = MUST(rota::trace_context::parse(traceparent));
    CHECK(context.valid() && context.sampled());
    EQUAL(context.trace_id[0], 0x0a);
    EQUAL(context.trace_id[15], 0x9c);
    EQUAL(context.parent_id[0], 0xb7);
    EQUAL(context.flags, ROTA_TRACE_SAMPLED);
    std::string text(traceparent);
    text.back() = '0';
    CHECK(!MUST(rota::trace_context::parse(text)).sampled());
    constexpr auto wrong = rota::status::invalid_argument;
    FAILS(rota::trace_context::parse(text.substr(1)), wrong, "traceparent");
    FAILS(rota::trace_context::parse(text + "-"), wrong, "traceparent");
    FAILS(rota::trace_context::parse("00-00000000000000000000000000000000-b7ad6b7169203331-01"),
          wrong, "traceparent");
    FAILS(rota::trace_context::parse("\xff"), wrong, "");
    FAILS(rota::trace_context::parse(""), wrong, "");
    rota::trace_context half = context;
    std::memset(half.parent_id, 0, sizeof half.parent_id);
    CHECK(!half.valid());
}

#if ROTA_HPP_COROUTINES

detached awaits(rota::poller &loop, std::uint8_t trace) {
    CHECK(MUST(co_await loop.async(rota::jobs::nop(), context_of(trace))).ok());
    CHECK(MUST(co_await loop.async(rota::jobs::nop())).ok());
}

#else

// The same, but for the co_await.
void awaits(rota::poller &loop, std::uint8_t trace) {
    MUST(loop.submit(rota::jobs::nop(), context_of(trace), [](auto) {}));
    MUST(loop.submit(rota::jobs::nop(), [](auto) {}));
}

#endif

void every_way(const folder &in) {
    const auto path = in / "spans-%p.json";
    {
        auto runtime = MUST(rota::runtime::open(to_file(path)));
        const auto tenant = create_tenant(runtime);
        const auto nop = rota::jobs::nop(20, 22);
        CHECK(MUST(tenant.wait(MUST(tenant.submit(nop, context_of(1))))).ok());
        EQUAL(MUST(tenant.run(nop, context_of(2))).results[1], 22);
        EQUAL(MUST(tenant.run(nop, context_of(2), std::chrono::seconds(60))).results[1], 22);
        still_works(tenant); // without a context, and a span

        const std::array<rota_job, 4> jobs = {nop, nop, nop, nop};
        const std::vector<rota::trace_context> traces = {
            context_of(3), {}, context_of(4, false), context_of(5)};
        std::array<rota::ticket, 4> tickets;
        const auto sent = tenant.submit(jobs, traces, tickets);
        CHECK(sent);
        EQUAL(sent.accepted, 4);
        for (const auto ticket : tickets)
            CHECK(MUST(tenant.wait(ticket)).ok());
        CHECK(tenant.submit(jobs, traces));
        rota::completion room[4];
        for (std::size_t taken = 0; taken < 4;)
            taken += MUST(tenant.poll(room, rota::forever)).size();
        for (const std::size_t some : {std::size_t{0}, std::size_t{3}}) {
            const auto refused =
                tenant.submit(jobs, rota::span<const rota::trace_context>(traces.data(), some));
            EQUAL(refused.accepted, 0);
            FAILS(refused.outcome, rota::status::invalid_argument, "`contexts`");
        }
        FAILS(tenant.submit(jobs, traces, rota::span<rota::ticket>(tickets.data(), 3)).outcome,
              rota::status::invalid_argument, "`tickets`");

        // More than the ring holds: some are submitted when others have completed.
        const auto narrow = create_tenant(runtime, 16);
        rota::poller loop(narrow);
        std::vector<std::future<rota::result<rota::completion>>> answers;
        int called = 0;
        for (int i = 0; i < 100; i++) {
            awaits(loop, 6);
            answers.push_back(loop.future(nop, context_of(7)));
            MUST(loop.submit(nop, context_of(8), [&](rota::result<rota::completion> answer) {
                CHECK(MUST(std::move(answer)).ok());
                called++;
            }));
            MUST(loop.submit(nop, [](auto) {}));
            answers.push_back(loop.future(nop));
        }
        MUST(loop.run());
        EQUAL(called, 100);
        for (auto &answer : answers)
            CHECK(MUST(answer.get()).ok());

        MUST(runtime.flush_spans());
        const auto stats = MUST(runtime.span_stats());
        EQUAL(stats.pushed, 3 + 2 * 2 + 300);
        EQUAL(stats.exported, stats.pushed);
        EQUAL(stats.dropped + stats.failed + stats.failures + stats.retries + stats.queued, 0);
        EQUAL(stats.capacity, 8192);
        CHECK(stats.utilisation == 0 && stats.drop_rate == 0);
        MUST(runtime.close());
        FAILS(runtime.span_stats(), rota::status::invalid_handle, "");
        FAILS(runtime.flush_spans(), rota::status::invalid_handle, "");
    }
    const auto file = read_file(in / ("spans-" + std::to_string(getpid()) + ".json").c_str());
    CHECK(file.size() > 2 && file.compare(file.size() - 2, 2, "]\n") == 0);
    const std::size_t wanted[] = {0, 1, 2, 2, 0, 2, 100, 100, 100};
    for (std::uint8_t trace = 0; trace < std::size(wanted); trace++)
        EQUAL(spans_of(file, trace), wanted[trace]);
}

// Jobs go on where spans can't be sent; they are given up in the end.
void nobody_there() {
    auto options = test_options();
    options.spans.emplace();
    options.spans->otlp = true;
    // The port of "discard": it isn't there, or isn't HTTP.
    options.spans->endpoint = "http://127.0.0.1:9/v1/traces";
    options.spans->service = "test";
    options.spans->sampler = rota::sampler::always_on;
    options.spans->queue = 64;
    options.spans->batch = 4;
    options.spans->export_timeout = std::chrono::milliseconds(300);
    const auto runtime = MUST(rota::runtime::open(options));
    const auto tenant = create_tenant(runtime);
    still_works(tenant);
    CHECK(MUST(tenant.run(rota::jobs::nop(), context_of(1, false))).ok());
    FAILS(runtime.flush_spans({}), rota::status::timeout, "");
    MUST(runtime.flush_spans(rota::forever));
    const auto stats = MUST(runtime.span_stats());
    EQUAL(stats.capacity, 64);
    EQUAL(stats.pushed, 2);
    EQUAL(stats.failed, 2);
    EQUAL(stats.exported, 0);
    CHECK(stats.failures > stats.retries && stats.retries > 0);
}

void samplers(const folder &in) {
    const auto path = in / "sampled.json";
    for (const auto &[sampler, ratio, wanted] :
         {std::tuple{rota::sampler::ratio, 0.0, 0}, std::tuple{rota::sampler::ratio, 1.0, 2},
          std::tuple{rota::sampler::always_off, 1.0, 0},
          std::tuple{rota::sampler::always_on, 0., 2},
          std::tuple{rota::sampler::parent_ratio, 0.0, 0},
          std::tuple{rota::sampler::parent_ratio, 1.0, 1},
          std::tuple{rota::sampler::parent_always_on, 1.0, 1},
          std::tuple{rota::sampler::environment, 0.0, 1}}) {
        auto options = to_file(path);
        options.spans->sampler = sampler;
        options.spans->sample_ratio = ratio;
        const auto runtime = MUST(rota::runtime::open(options));
        const auto tenant = create_tenant(runtime);
        still_works(tenant);
        CHECK(MUST(tenant.run(rota::jobs::nop(), context_of(1, false))).ok());
        MUST(runtime.flush_spans());
        EQUAL(MUST(runtime.span_stats()).exported, wanted);
    }
}

template <class Change>
void refused(rota::status code, const char *saying, Change change,
             const std::string &path = "/dev/null") {
    auto options = to_file(path);
    change(*options.spans);
    FAILS(rota::runtime::open(options), code, saying);
}

void bad_options() {
    constexpr auto wrong = rota::status::invalid_argument;
    using options = rota::span_options;
    refused(
        wrong, "nowhere", [](options &) {}, "");
    refused(wrong, "queue", [](options &o) { o.queue = (1 << 20) + 1; });
    refused(wrong, "batch", [](options &o) { o.queue = 99; }); // fewer than a batch
    refused(wrong, "batch", [](options &o) { o.batch = 8193; });
    refused(wrong, "sampler", [](options &o) { o.sampler = rota::sampler(7); });
    for (const double ratio : {-0.001, 1.001, std::nan("")})
        refused(wrong, "ratio", [=](options &o) { o.sample_ratio = ratio; });
    refused(wrong, "endpoint", [](options &o) { o.endpoint = "http://127.0.0.1/"; });
    refused(
        wrong, "path", [](options &) {}, "\xff");
    const auto to = [](std::string_view url) {
        return [=](options &o) {
            o.otlp = true;
            o.endpoint = url;
        };
    };
    refused(wrong, "https", to("https://collector.example/v1/traces"));
    refused(wrong, "", to("no url"));
    refused(
        rota::status::io_error, "/nowhere", [](options &) {}, "/nowhere/at/all.json");
}

void without_spans(const folder &in) {
    constexpr auto none = rota::status::wrong_state;
    {
        const auto runtime = open_runtime();
        const auto tenant = create_tenant(runtime);
        CHECK(MUST(tenant.run(rota::jobs::nop(), context_of(1))).ok());
        FAILS(runtime.span_stats(), none, "spans");
        FAILS(runtime.flush_spans(), none, "spans");
    }
    FAILS(rota::runtime().span_stats(), rota::status::null_pointer, "");
    FAILS(rota::tenant().submit(rota::jobs::nop(), context_of(1)), rota::status::null_pointer, "");

    // What the environment asks for, unless the options do.
    const auto path = in / "of-environment.json";
    setenv("ROTA_SPANS", path.c_str(), 1);
    {
        const auto runtime = open_runtime();
        CHECK(MUST(create_tenant(runtime).run(rota::jobs::nop(), context_of(9))).ok());
    }
    unsetenv("ROTA_SPANS");
    EQUAL(spans_of(read_file(path), 9), 1);
}

} // namespace

int main() {
    for (const char *name :
         {"ROTA_SPANS", "OTEL_TRACES_EXPORTER", "OTEL_TRACES_SAMPLER", "OTEL_SDK_DISABLED"})
        unsetenv(name);
    const folder in;
    contexts();
    every_way(in);
    nobody_there();
    samplers(in);
    bad_options();
    without_spans(in);
    return 0;
}
