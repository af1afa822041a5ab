// Spans: a receiver of OTLP gets those of each trace, by every way to submit; contexts, counts, bad options.

package rota_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	rota "github.com/rota-compute/rota/bindings/go"
)

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// traceOf is the context of a sampled caller.
func traceOf(n int) rota.TraceContext {
	trace := rota.TraceContext{Flags: rota.TraceSampled}
	copy(trace.TraceID[:], fmt.Sprintf("trace %10d", n))
	copy(trace.ParentID[:], fmt.Sprintf("of %5d", n))
	return trace
}

// receiver is a collector.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	requests int
	bodies   bytes.Buffer
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := new(receiver)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		kind := request.Header.Get("Content-Type")
		if err != nil || request.Method != http.MethodPost || request.URL.Path != "/v1/traces" || kind != "application/x-protobuf" {
			t.Errorf("%s %s of %q: %v", request.Method, request.URL, kind, err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.requests++
		r.bodies.Write(body)
		w.Header().Set("Content-Type", kind)
	}))
	t.Cleanup(r.Close)
	return r
}

// got is how often a trace's id has come, which is how many spans it has.
func (r *receiver) got(trace rota.TraceContext) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := bytes.Count(r.bodies.Bytes(), trace.TraceID[:]); n == bytes.Count(r.bodies.Bytes(), trace.ParentID[:]) {
		return n
	}
	return -1
}

func (r *receiver) options() rota.SpanOptions {
	return rota.SpanOptions{Exporters: rota.SpansOTLP, Endpoint: r.URL + "/v1/traces", Sampler: rota.SamplerParentAlwaysOff,
		Service: "the test"}
}

func spanStats(t *testing.T, r *rota.Runtime) rota.SpanStats {
	t.Helper()
	stats, err := r.SpanStats()
	ok(t, err)
	return stats
}

func TestAReceiverGetsTheSpansOfJobsInTraces(t *testing.T) {
	checkLeaks(t)
	to := receive(t)
	r := openRuntime(t, rota.WithSpans(to.options()))
	tenant := newTenant(t, r, rota.WithLabel("the tenant"))
	ctx := rota.ContextWithTrace(background, traceOf(1))
	unsampled := traceOf(2)
	unsampled.Flags = 0
	do(t, tenant, 3) // without a context
	for range 5 {
		done, err := tenant.Do(ctx, nop(20, 22))
		ok(t, err)
		if done.Results != [2]uint32{20, 22} || done.BeginEpoch != 0 {
			t.Fatalf("%+v", done)
		}
	}
	_, err := tenant.Do(rota.ContextWithTrace(background, unsampled), nop(1, 2))
	ok(t, err)
	_, err = tenant.Do(rota.ContextWithTrace(ctx, rota.TraceContext{}), nop(1, 2))
	ok(t, err)

	wait := func(batch *rota.Batch, jobs int) {
		t.Helper()
		done, err := batch.Wait(background)
		ok(t, err)
		if len(done) != jobs {
			t.Fatalf("%d of %d jobs", len(done), jobs)
		}
	}
	batch, err := tenant.Submit(rota.ContextWithTrace(background, traceOf(3)), repeat(nop(1, 2), 7))
	ok(t, err)
	wait(batch, 7)
	var kept rota.Batch
	ok(t, tenant.SubmitInto(rota.ContextWithTrace(background, traceOf(4)), &kept, repeat(nop(1, 2), 4)))
	wait(&kept, 4)
	ok(t, tenant.SubmitInto(background, &kept, repeat(nop(1, 2), 4)))
	wait(&kept, 4)
	// Their own ones, and not that of the context.
	batch, err = tenant.SubmitTraced(ctx, repeat(nop(1, 2), 4), []rota.TraceContext{traceOf(5), {}, unsampled, traceOf(6)})
	ok(t, err)
	wait(batch, 4)
	ok(t, tenant.SubmitIntoTraced(ctx, &kept, repeat(nop(1, 2), 2), []rota.TraceContext{traceOf(6), traceOf(7)}))
	wait(&kept, 2)
	ok(t, tenant.TrySubmitTraced(&kept, repeat(nop(1, 2), 2), []rota.TraceContext{traceOf(6), traceOf(8)}))
	wait(&kept, 2)
	for _, traces := range [][]rota.TraceContext{nil, {traceOf(9)}} {
		batch, err := tenant.SubmitTraced(ctx, repeat(nop(1, 2), 2), traces)
		wants(t, err, rota.ErrInvalidArgument)
		if batch != nil {
			t.Fatal("there is a batch")
		}
		wants(t, tenant.SubmitIntoTraced(ctx, &kept, repeat(nop(1, 2), 2), traces), rota.ErrInvalidArgument)
		wants(t, tenant.TrySubmitTraced(&kept, repeat(nop(1, 2), 2), traces), rota.ErrInvalidArgument)
	}

	ok(t, r.FlushSpans(rota.Forever))
	all := 0
	for n, want := range []int{0, 5, 0, 7, 4, 1, 3, 1, 1, 0} {
		if got := to.got(traceOf(n)); got != want {
			t.Errorf("trace %d has %d spans, not %d", n, got, want)
		}
		all += want
	}
	want := rota.SpanStats{Pushed: uint64(all), Exported: uint64(all), Capacity: 8192}
	if stats := spanStats(t, r); stats != want || to.requests == 0 || to.requests > all {
		t.Errorf("%+v, in %d requests", stats, to.requests)
	}
	for _, text := range []string{"the test", "the tenant", "service.name"} {
		if !bytes.Contains(to.bodies.Bytes(), []byte(text)) {
			t.Errorf("nothing says %q", text)
		}
	}
}

func TestManyGoroutinesEachHaveTheirOwnTrace(t *testing.T) {
	checkLeaks(t)
	const goroutines, jobs = 200, 20
	for name, option := range map[string]rota.TenantOption{
		"little room":  rota.WithSlots(16),
		"little quota": rota.WithQuota(rota.Quota{rota.ResourceSlots: 16}),
		"room":         rota.WithSlots(1024),
	} {
		to := receive(t)
		r := openRuntime(t, rota.WithSpans(to.options()))
		tenant := newTenant(t, r, option)
		accepted := make([]int, goroutines)
		var all sync.WaitGroup
		for g := range goroutines {
			all.Add(1)
			go func() {
				defer all.Done()
				ctx := rota.ContextWithTrace(background, traceOf(g))
				for i := range uint32(jobs) {
					var err error
					switch {
					case g%4 == 0:
						_, err = tenant.Do(background, nop(uint32(g), i))
					case g%4 == 1 && i%4 == 0: // all at once, beside those who call Do
						var batch *rota.Batch
						batch, err = tenant.SubmitTraced(ctx, repeat(nop(1, 2), 4),
							[]rota.TraceContext{traceOf(g), {}, {}, traceOf(g)})
						if batch != nil { // those before the refused one
							_, waited := batch.Wait(background)
							err = errors.Join(err, waited)
							accepted[g] += 1 + batch.Len()/4
						}
					default:
						if _, err = tenant.Do(ctx, nop(uint32(g), i)); err == nil {
							accepted[g]++
						}
					}
					if err != nil && name != "little quota" {
						t.Errorf("%s: goroutine %d: %v", name, g, err)
						return
					}
				}
			}()
		}
		all.Wait()
		ok(t, tenant.Drain(background))
		ok(t, r.FlushSpans(rota.Forever))
		if stats := spanStats(t, r); stats.Dropped+stats.Failed != 0 || stats.Pushed != stats.Exported {
			t.Errorf("%s: %+v", name, stats)
		}
		for g, want := range accepted {
			if got := to.got(traceOf(g)); got != want {
				t.Errorf("%s: trace %d has %d spans, not %d", name, g, got, want)
			}
		}
		ok(t, r.Close())
		to.Close()
	}
}

func TestSpansGoWhereTheEnvironmentSays(t *testing.T) {
	to := receive(t)
	file := filepath.Join(t.TempDir(), "spans.json")
	t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", to.URL)
	t.Setenv("ROTA_SPANS", file)
	r := openRuntime(t)
	trace, err := rota.ParseTraceContext(traceparent)
	ok(t, err)
	_, err = newTenant(t, r).Do(rota.ContextWithTrace(background, trace), nop(1, 2))
	ok(t, err)
	ok(t, r.Close()) // it waits for them
	if got := to.got(trace); got != 1 {
		t.Errorf("the receiver has %d spans", got)
	}
	text, err := os.ReadFile(file)
	ok(t, err)
	var events []map[string]any
	ok(t, json.Unmarshal(text, &events))
	if n := bytes.Count(text, []byte(hex.EncodeToString(trace.TraceID[:]))); n != 1 {
		t.Errorf("the file has the trace %d times", n)
	}
}

func TestTraceContextsAreReadOfText(t *testing.T) {
	trace, err := rota.ParseTraceContext(traceparent)
	ok(t, err)
	if trace.TraceID[0] != 0x0a || trace.TraceID[15] != 0x9c || trace.ParentID[7] != 0x31 || trace.Flags != rota.TraceSampled ||
		!trace.IsValid() {
		t.Errorf("%+v", trace)
	}
	trace, err = rota.ParseTraceContext(traceparent[:53] + "00")
	ok(t, err)
	if trace.Flags != 0 {
		t.Errorf("%+v", trace)
	}
	for _, text := range []string{"", "0", traceparent[1:], traceparent + "-", "\xff", "a\x00b",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"} {
		trace, err := rota.ParseTraceContext(text)
		wants(t, err, rota.ErrInvalidArgument)
		if trace != (rota.TraceContext{}) || trace.IsValid() {
			t.Errorf("%q is %+v", text, trace)
		}
	}
}

func TestSpansThatNobodyTakesAreGivenUp(t *testing.T) {
	// The port of "discard": it isn't there, or isn't HTTP.
	r := openRuntime(t, rota.WithSpans(rota.SpanOptions{Exporters: rota.SpansOTLP, Endpoint: "http://127.0.0.1:9/v1/traces",
		Sampler: rota.SamplerAlwaysOn, Queue: 64, Batch: 4, Delay: time.Millisecond, Timeout: 300 * time.Millisecond}))
	do(t, newTenant(t, r), 2)
	wants(t, r.FlushSpans(0), rota.ErrTimeout)
	wants(t, r.FlushSpans(-time.Second), rota.ErrTimeout)
	ok(t, r.FlushSpans(time.Minute))
	stats := spanStats(t, r)
	if stats.Capacity != 64 || stats.Pushed != 2 || stats.Failed != 2 || stats.Exported != 0 || stats.Retries == 0 ||
		stats.Failures <= stats.Retries {
		t.Errorf("%+v", stats)
	}
}

func TestSpansThatCannotBe(t *testing.T) {
	file := rota.SpanOptions{Path: "/dev/null"}
	for _, c := range []struct {
		change func(*rota.SpanOptions)
		want   rota.Status
		saying string
	}{
		{func(o *rota.SpanOptions) { o.Path = "" }, rota.ErrInvalidArgument, "nowhere"},
		{func(o *rota.SpanOptions) { o.Queue = 1<<20 + 1 }, rota.ErrInvalidArgument, "queue"},
		{func(o *rota.SpanOptions) { o.Queue = 99 }, rota.ErrInvalidArgument, "batch"}, // fewer than a batch
		{func(o *rota.SpanOptions) { o.Sampler = rota.SamplerParentRatio + 1 }, rota.ErrInvalidArgument, "sampler"},
		{func(o *rota.SpanOptions) { o.SampleRatio = 1.001 }, rota.ErrInvalidArgument, "ratio"},
		{func(o *rota.SpanOptions) { o.Exporters = 2 }, rota.ErrInvalidArgument, "exporters"},
		{func(o *rota.SpanOptions) { o.Endpoint = "http://127.0.0.1/" }, rota.ErrInvalidArgument, "endpoint"},
		{func(o *rota.SpanOptions) { o.Exporters, o.Endpoint = rota.SpansOTLP, "https://127.0.0.1/" }, rota.ErrInvalidArgument, "https"},
		{func(o *rota.SpanOptions) { o.Service = "\xff" }, rota.ErrInvalidArgument, "service"},
		{func(o *rota.SpanOptions) { o.Delay = -1 }, rota.ErrInvalidArgument, "delay"},
		{func(o *rota.SpanOptions) { o.Timeout = -1 }, rota.ErrInvalidArgument, "timeout"},
		{func(o *rota.SpanOptions) { o.Path = "/nowhere/at/all.json" }, rota.ErrIO, "/nowhere"},
	} {
		options := file
		c.change(&options)
		_, err := rota.Open(rota.WithSpans(options))
		wants(t, err, c.want)
		wantsText(t, err, c.saying)
	}
}

func TestARuntimeWithoutSpansTakesTracesAndTellsNothing(t *testing.T) {
	tenant := newTenant(t, shared)
	_, err := tenant.Do(rota.ContextWithTrace(background, traceOf(1)), nop(1, 2))
	ok(t, err)
	batch, err := tenant.SubmitTraced(background, repeat(nop(1, 2), 2), []rota.TraceContext{traceOf(1), traceOf(2)})
	ok(t, err)
	_, err = batch.Wait(background)
	ok(t, err)
	_, err = shared.SpanStats()
	wants(t, err, rota.ErrWrongState)
	wants(t, shared.FlushSpans(rota.Forever), rota.ErrWrongState)

	var none *rota.Runtime
	_, err = none.SpanStats()
	wants(t, err, rota.ErrNullPointer)
	wants(t, none.FlushSpans(0), rota.ErrNullPointer)
	r := openRuntime(t, rota.WithSpans(rota.SpanOptions{Path: "/dev/null"}))
	ok(t, r.Close())
	_, err = r.SpanStats()
	wants(t, err, rota.ErrClosed)
	wants(t, r.FlushSpans(rota.Forever), rota.ErrClosed)
}
