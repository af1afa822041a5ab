// Spans: which jobs a tracing system hears of, and the traces that they belong to.

package rota

// #include <stdlib.h>
// #include "shim.h"
//
// #cgo noescape rota_trace_context_parse
// #cgo nocallback rota_trace_context_parse
import "C"

import (
	"context"
	"runtime"
	"time"
	"unsafe"
)

// Sampler says which jobs have spans, as OpenTelemetry's samplers do. Those called Parent go by the sampled
// flag of the job's trace context, and only jobs without a context are sampled as the name says.
type Sampler uint32

// The samplers.
const (
	SamplerEnvironment     Sampler = C.ROTA_SAMPLER_ENVIRONMENT       // $OTEL_TRACES_SAMPLER and $OTEL_TRACES_SAMPLER_ARG; else SamplerParentAlwaysOn
	SamplerAlwaysOn        Sampler = C.ROTA_SAMPLER_ALWAYS_ON         // all
	SamplerAlwaysOff       Sampler = C.ROTA_SAMPLER_ALWAYS_OFF        // none
	SamplerRatio           Sampler = C.ROTA_SAMPLER_RATIO             // the part that SampleRatio says; those with a context by their trace id
	SamplerParentAlwaysOn  Sampler = C.ROTA_SAMPLER_PARENT_ALWAYS_ON  // all without a context
	SamplerParentAlwaysOff Sampler = C.ROTA_SAMPLER_PARENT_ALWAYS_OFF // none without a context
	SamplerParentRatio     Sampler = C.ROTA_SAMPLER_PARENT_RATIO      // a part of those without a context
)

// SpanExporters are exporters of spans.
type SpanExporters uint32

// SpansOTLP is OTLP over HTTP, with protobuf: to an OpenTelemetry collector, or what understands the same.
const SpansOTLP SpanExporters = C.ROTA_SPANS_OTLP

// SpanOptions says which jobs of a runtime have spans, and where these go: by Exporters, to the file at Path, or
// both. All else has a default, but for the ratio of the samplers by ratio.
type SpanOptions struct {
	Exporters   SpanExporters // SpansOTLP, or 0
	Sampler     Sampler       // SamplerEnvironment, if it isn't said
	SampleRatio float64       // for the samplers by ratio: from 0 for none to 1 for all
	Endpoint    string        // where OTLP goes: an http URL with its path; empty: as OpenTelemetry's variables say, else localhost
	Service     string        // the name of the service; empty: $OTEL_SERVICE_NAME, else the program's
	Path        string        // a file for Chrome's trace viewer or Perfetto, overwritten if it is there; %p in it is the process id
	Queue       uint32        // spans that can wait, at most 1,048,576; those that find no room are dropped, and counted; 0: 8,192
	Batch       uint32        // spans that are exported together, at most Queue; 0: 100
	Delay       time.Duration // how long a span waits for its batch to become full; 0: 10 ms
	Timeout     time.Duration // how long a batch is tried; 0: 30 s
}

// WithSpans tells a tracing system of the runtime's jobs. Without it there are spans where the environment asks for
// them: by OTLP where $OTEL_TRACES_EXPORTER is otlp, and to the file that $ROTA_SPANS names.
func WithSpans(options SpanOptions) Option {
	return func(s *settingsOfRuntime) { s.spans = &options }
}

// cSpans copies the options to C memory, which the function it gives frees; nil for none.
func cSpans(options *SpanOptions) (*C.rota_span_options, func()) {
	if options == nil {
		return nil, func() {}
	}
	c := (*C.rota_span_options)(C.calloc(1, C.sizeof_rota_span_options))
	*c = C.rota_go_span_options()
	c.exporters = C.uint32_t(options.Exporters)
	c.sampler = C.uint32_t(options.Sampler)
	c.sample_ratio = C.double(options.SampleRatio)
	c.endpoint, c.endpoint_len = cText(options.Endpoint)
	c.service, c.service_len = cText(options.Service)
	c.path, c.path_len = cText(options.Path)
	if options.Queue != 0 {
		c.queue = C.uint32_t(options.Queue)
	}
	if options.Batch != 0 {
		c.batch = C.uint32_t(options.Batch)
	}
	c.delay_ns = C.uint64_t(options.Delay)
	c.timeout_ns = C.uint64_t(options.Timeout)
	return c, func() {
		C.free(unsafe.Pointer(c.endpoint))
		C.free(unsafe.Pointer(c.service))
		C.free(unsafe.Pointer(c.path))
		C.free(unsafe.Pointer(c))
	}
}

// TraceFlags are flags of a trace context.
type TraceFlags uint64

// TraceSampled says that the caller's span is sampled.
const TraceSampled TraceFlags = C.ROTA_TRACE_SAMPLED

// TraceContext says where a job belongs in a trace, as W3C's trace context tells it. The zero value is none.
type TraceContext struct {
	TraceID  [16]byte   // the trace
	ParentID [8]byte    // the caller's span, whose child the job's span is
	Flags    TraceFlags // TraceSampled, or 0
}

// The library reads slices of it: size and offsets have to agree.
var (
	_ [unsafe.Sizeof(TraceContext{})]byte            = [C.sizeof_rota_trace_context]byte{}
	_ [unsafe.Offsetof(TraceContext{}.TraceID)]byte  = [unsafe.Offsetof(C.rota_trace_context{}.trace_id)]byte{}
	_ [unsafe.Offsetof(TraceContext{}.ParentID)]byte = [unsafe.Offsetof(C.rota_trace_context{}.parent_id)]byte{}
	_ [unsafe.Offsetof(TraceContext{}.Flags)]byte    = [unsafe.Offsetof(C.rota_trace_context{}.flags)]byte{}
)

// IsValid tells whether it names a trace and a span; a context that doesn't is none.
func (c TraceContext) IsValid() bool { return c.TraceID != [16]byte{} && c.ParentID != [8]byte{} }

// ParseTraceContext reads what HTTP's header traceparent has. Errors: ErrInvalidArgument for any other text, an
// empty one included, and for an id that is zero.
func ParseTraceContext(traceparent string) (TraceContext, error) {
	var object *C.rota_error
	var trace TraceContext
	status := C.rota_trace_context_parse((*C.char)(unsafe.Pointer(unsafe.StringData(traceparent))),
		C.size_t(len(traceparent)), (*C.rota_trace_context)(unsafe.Pointer(&trace)), &object)
	if err := callError(status, object); err != nil {
		return TraceContext{}, err
	}
	return trace, nil
}

type traceKey struct{}

// ContextWithTrace puts the jobs into a trace that Do, Submit and SubmitInto get with the context, or one made of
// it; the zero value takes them out of any.
func ContextWithTrace(ctx context.Context, trace TraceContext) context.Context {
	return context.WithValue(ctx, traceKey{}, trace)
}

// traceOf is what ContextWithTrace has put into the context.
func traceOf(ctx context.Context) TraceContext {
	trace, _ := ctx.Value(traceKey{}).(TraceContext)
	return trace
}

// SubmitTraced is Submit with a trace context for each job, in place of the one in ctx. Errors: as of Submit, and
// ErrInvalidArgument for another number of them than of jobs.
func (t *Tenant) SubmitTraced(ctx context.Context, jobs []Job, traces []TraceContext) (*Batch, error) {
	return newBatch(func(b *Batch) error { return t.SubmitIntoTraced(ctx, b, jobs, traces) })
}

// SubmitIntoTraced is SubmitInto with a trace context for each job, in place of the one in ctx.
func (t *Tenant) SubmitIntoTraced(ctx context.Context, b *Batch, jobs []Job, traces []TraceContext) error {
	if len(traces) != len(jobs) {
		return errTraces
	}
	return t.submitInto(ctx, b, jobs, traces, true)
}

// TrySubmitTraced is TrySubmit with a trace context for each job.
func (t *Tenant) TrySubmitTraced(b *Batch, jobs []Job, traces []TraceContext) error {
	if len(traces) != len(jobs) {
		return errTraces
	}
	return t.submitInto(context.Background(), b, jobs, traces, false)
}

// SpanStats is how the spans of a runtime are doing. The numbers are read one by one while work goes on.
type SpanStats struct {
	Pushed      uint64  // spans that were put into the queue
	Dropped     uint64  // spans that found no room there
	Exported    uint64  // spans that exporters took; each counts for each exporter
	Failed      uint64  // spans that were given up, likewise
	Failures    uint64  // exports that failed
	Retries     uint64  // exports that were tried again
	Queued      uint64  // spans in the queue now
	Capacity    uint64  // spans that fit into it
	Utilisation float64 // which part of it is in use
	DropRate    float64 // which part of all spans was dropped
}

// SpanStats tells how the queue of spans and their exporters are doing. Errors: ErrWrongState (the runtime makes no
// spans), ErrClosed; ErrUnsupported by a library that was built without metrics.
func (r *Runtime) SpanStats() (SpanStats, error) {
	if r == nil {
		return SpanStats{}, errNilRuntime
	}
	var object *C.rota_error
	stats := C.rota_go_span_stats()
	status := C.rota_spans_get_stats(r.handle, &stats, &object)
	runtime.KeepAlive(r)
	if err := callError(status, object); err != nil {
		return SpanStats{}, err
	}
	return SpanStats{
		Pushed:      uint64(stats.pushed),
		Dropped:     uint64(stats.dropped),
		Exported:    uint64(stats.exported),
		Failed:      uint64(stats.failed),
		Failures:    uint64(stats.failures),
		Retries:     uint64(stats.retries),
		Queued:      uint64(stats.queued),
		Capacity:    uint64(stats.capacity),
		Utilisation: float64(stats.utilisation),
		DropRate:    float64(stats.drop_rate),
	}, nil
}

// FlushSpans returns when the spans of all jobs that were done before the call are exported, or given up; Forever
// waits as long as it takes. Close waits a few seconds for spans by itself. Errors: ErrTimeout, ErrWrongState (the
// runtime makes no spans), ErrClosed; ErrUnsupported by a library that was built without metrics.
func (r *Runtime) FlushSpans(timeout time.Duration) error {
	if r == nil {
		return errNilRuntime
	}
	ns := C.uint64_t(foreverNS)
	if timeout != Forever {
		ns = C.uint64_t(max(timeout, 0))
	}
	var object *C.rota_error
	status := C.rota_spans_flush(r.handle, ns, &object)
	runtime.KeepAlive(r)
	return callError(status, object)
}
