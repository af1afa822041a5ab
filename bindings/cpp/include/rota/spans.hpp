// rota::span_options: which jobs of a runtime have spans for a tracing system, and where these go;
// and rota::trace_context: the trace that a job belongs to. Jobs get theirs by the calls of tenant
// and poller that take one; span_stats and flush_spans are the runtime's.
#ifndef ROTA_SPANS_HPP
#define ROTA_SPANS_HPP

#include <cstddef>
#include <cstdint>
#include <rota/result.hpp>
#include <rota/types.hpp>
#include <string_view>

namespace rota {
inline namespace ROTA_HPP_DIALECT {

/// Which jobs of a runtime have spans, and where these go: by OTLP, to a file, or both. Any other
/// field that is 0 or empty means its default. Texts are only read.
struct span_options {
    /// By OTLP over HTTP, with protobuf: to an OpenTelemetry collector, or what understands the
    /// same.
    bool otlp = false;
    /// A file for Chrome's trace viewer or Perfetto; one that is there is overwritten, and %p in it
    /// stands for the process id. Empty: none.
    std::string_view path = {};
    rota::sampler sampler = rota::sampler::environment;
    /// For the samplers by ratio: from 0 for none to 1 for all.
    double sample_ratio = 1;
    /// Where OTLP goes: an http URL with its path. Empty: $OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, else
    /// $OTEL_EXPORTER_OTLP_ENDPOINT with /v1/traces behind it, else
    /// http://localhost:4318/v1/traces.
    std::string_view endpoint = {};
    /// The name of the service. Empty: $OTEL_SERVICE_NAME, else the program's.
    std::string_view service = {};
    /// Spans that can wait to be exported, at most 1,048,576; those that find no room are dropped,
    /// and counted. 0: 8,192.
    std::uint32_t queue = 0;
    /// Spans that are exported together, at most `queue`. 0: 100.
    std::uint32_t batch = 0;
    /// How long a span waits for its batch to become full. 0: 10 ms.
    timeout delay = {};
    /// How long a batch is tried. 0: 30 s.
    timeout export_timeout = {};
};

namespace detail {

template <std::size_t N> constexpr bool any(const std::uint8_t (&id)[N]) noexcept {
    for (const std::uint8_t byte : id)
        if (byte != 0)
            return true;
    return false;
}

} // namespace detail

/// Where a job belongs in a trace, as W3C's trace context tells it: the fields of
/// rota_trace_context. As it is made it is none.
struct trace_context : rota_trace_context {
    constexpr trace_context() noexcept : rota_trace_context ROTA_TRACE_CONTEXT_INIT {}
    constexpr explicit trace_context(const rota_trace_context &raw) noexcept
        : rota_trace_context(raw) {}

    /// Reads text of W3C's form, as HTTP's header traceparent has it. Errors: invalid_argument for
    /// any other text, and for an id that is zero.
    static result<trace_context> parse(std::string_view traceparent) noexcept {
        trace_context read;
        detail::failure why;
        const rota_status code =
            ::rota_trace_context_parse(traceparent.data(), traceparent.size(), &read, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return read;
    }

    /// It names a trace, and a span of the caller's; one that doesn't is none.
    constexpr bool valid() const noexcept {
        return detail::any(trace_id) && detail::any(parent_id);
    }
    /// The caller's span is sampled.
    constexpr bool sampled() const noexcept { return (flags & ROTA_TRACE_SAMPLED) != 0; }
};

static_assert(sizeof(trace_context) == sizeof(rota_trace_context));

namespace detail {

inline rota_span_options raw_of(const span_options &options) noexcept {
    rota_span_options raw = ROTA_SPAN_OPTIONS_INIT;
    raw.exporters = options.otlp ? ROTA_SPANS_OTLP : 0;
    raw.sampler = static_cast<std::uint32_t>(options.sampler);
    raw.sample_ratio = options.sample_ratio;
    raw.endpoint = options.endpoint.data();
    raw.endpoint_len = options.endpoint.size();
    raw.service = options.service.data();
    raw.service_len = options.service.size();
    raw.path = options.path.data();
    raw.path_len = options.path.size();
    if (options.queue != 0)
        raw.queue = options.queue;
    if (options.batch != 0)
        raw.batch = options.batch;
    raw.delay_ns = options.delay.ns();
    raw.timeout_ns = options.export_timeout.ns();
    return raw;
}

} // namespace detail

} // namespace ROTA_HPP_DIALECT
} // namespace rota

#endif
