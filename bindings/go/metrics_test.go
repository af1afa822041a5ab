// Metrics: snapshots, differences, text, latency, providers, decisions.

package rota_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	rota "github.com/rota-compute/rota/bindings/go"
)

func metrics(t *testing.T, r *rota.Runtime) *rota.Snapshot {
	t.Helper()
	var s rota.Snapshot
	ok(t, r.Metrics(&s))
	return &s
}

// series are the numbers of the tenants with a label.
func series(t *testing.T, s *rota.Snapshot, label string) rota.TenantMetrics {
	t.Helper()
	at := slices.IndexFunc(s.Tenants, func(m rota.TenantMetrics) bool { return m.Label == label })
	if at < 0 {
		t.Fatalf("there is no series %q: %+v", label, s.Tenants)
	}
	return s.Tenants[at]
}

func written(t *testing.T, r *rota.Runtime, format rota.MetricsFormat) string {
	t.Helper()
	var text bytes.Buffer
	ok(t, r.WriteMetrics(&text, format))
	return text.String()
}

func do(t *testing.T, tenant *rota.Tenant, jobs int) {
	t.Helper()
	for range jobs {
		_, err := tenant.Do(background, nop(1, 2))
		ok(t, err)
	}
}

func TestASnapshotHasWhatTenantsHaveDone(t *testing.T) {
	r := openRuntime(t)
	a, b := newTenant(t, r, rota.WithLabel("a")), newTenant(t, r, rota.WithLabel("b"))
	empty := metrics(t, r)
	do(t, a, 3)
	do(t, b, 4)
	_, err := a.Do(background, rota.Job{Op: rota.OpSumU32, Tiles: 1, Args: [10]uint32{12345, 0, 1}})
	wants(t, err, rota.FaultInvalidBuffer)
	s := metrics(t, r)
	of := series(t, s, "a")
	if of.Tenants != 1 || of.ID != idOf(t, a) || of.Submitted != 4 || of.Completed != 4 || of.Latency.Count() == 0 ||
		of.Taken[rota.CompletionOK] != 3 || of.Taken[rota.CompletionFaulted] != 1 || of.Faulted[rota.FaultInvalidBuffer] != 1 ||
		of.Latency.Sum <= 0 || of.Cap[rota.ResourceBufferBytes] != rota.Unlimited {
		t.Errorf("%+v", of)
	}
	if of.Ages != (rota.Ages{}) {
		t.Errorf("nothing waits, and is that old: %+v", of.Ages)
	}
	all := s.Runtime
	if all.All.Submitted != 8 || all.All.Completed != 8 || all.All.ID != 0 || all.Tenants != 2 || all.Series != 2 ||
		all.MaxSeries != 1024 || all.Overflowed != 0 || all.At <= empty.Runtime.At || all.Decisions[rota.ActionModeChosen] != 1 ||
		all.Latency.Count() == 0 || all.Latency.Count() > 8 {
		t.Errorf("%+v", all)
	}
	at := slices.IndexFunc(s.Handlers, func(h rota.HandlerMetrics) bool { return h.Calls == 7 })
	if len(s.Handlers) != 2 || at < 0 || s.Handlers[at].Module != "rota" || s.Handlers[at].Handler == "" ||
		s.Handlers[1-at].Calls != 1 || s.Handlers[1-at].Faults != 1 {
		t.Errorf("%+v", s.Handlers)
	}
	if len(s.Values) == 0 || !strings.HasPrefix(s.Values[0].Name, "rota_") {
		t.Errorf("%+v", s.Values)
	}
	if _, err := json.Marshal(s); err != nil {
		t.Error(err)
	}

	// The same one again, with more and then with fewer series.
	c := newTenant(t, r, rota.WithLabel("another"))
	do(t, c, 1)
	ok(t, r.Metrics(empty))
	if got := series(t, empty, "another"); got.Submitted != 1 || len(empty.Tenants) != 3 ||
		!slices.IsSortedFunc(empty.Tenants, func(a, b rota.TenantMetrics) int { return strings.Compare(a.Label, b.Label) }) {
		t.Errorf("%+v", empty.Tenants)
	}
	wants(t, r.Metrics(nil), rota.ErrNullPointer)
	ok(t, r.Close())
	wants(t, r.Metrics(empty), rota.ErrClosed)
	wants(t, r.WriteMetrics(io.Discard, rota.MetricsJSON), rota.ErrClosed)
	_, err = a.Latency()
	wants(t, err, rota.ErrClosed)
	var none *rota.Runtime
	wants(t, none.Metrics(empty), rota.ErrNullPointer)
	wants(t, none.WriteMetrics(io.Discard, rota.MetricsJSON), rota.ErrNullPointer)
}

func TestWhatWaitsHasAnAge(t *testing.T) {
	tenant := hold(t, shared, 64)
	batch, err := tenant.Submit(background, repeat(nop(1, 1), 5))
	ok(t, err)
	time.Sleep(2 * time.Millisecond)
	ages := metrics(t, shared).Runtime.Ages
	if !ages.Queued.Observed && !ages.Running.Observed || max(ages.Queued.Duration, ages.Running.Duration) < time.Millisecond {
		t.Errorf("%+v", ages)
	}
	ok(t, tenant.Revoke(background))
	_, err = batch.Wait(background)
	wants(t, err, rota.CompletionRevoked)
}

func TestSeriesAreBounded(t *testing.T) {
	r := openRuntime(t, rota.WithMaxSeries(2))
	for i := range 5 {
		do(t, newTenant(t, r, rota.WithLabel(fmt.Sprint("tenant ", i))), 1)
	}
	s := metrics(t, r)
	if s.Runtime.MaxSeries != 2 || s.Runtime.Series != 3 || len(s.Tenants) != 3 || s.Runtime.Overflowed != 3 {
		t.Errorf("%+v", s.Runtime)
	}
	if of := series(t, s, "__overflow__"); of.Tenants != 3 || of.Submitted != 3 || of.ID != 0 || s.Tenants[2].Label != of.Label {
		t.Errorf("%+v", of)
	}
}

func TestWhatHappenedSinceASnapshot(t *testing.T) {
	r := openRuntime(t)
	a := newTenant(t, r, rota.WithLabel("a"))
	do(t, a, 3)
	before := metrics(t, r)
	do(t, a, 5)
	b := newTenant(t, r, rota.WithLabel("b"))
	do(t, b, 2)
	after := metrics(t, r)
	d, err := after.Since(before)
	ok(t, err)
	if d.Runtime.All.Submitted != 7 || d.Runtime.Tenants != 2 || d.Runtime.At != after.Runtime.At-before.Runtime.At ||
		d.Runtime.Decisions[rota.ActionModeChosen] != 0 || d.Runtime.MaxSeries != 1024 {
		t.Errorf("%+v", d.Runtime)
	}
	if of := series(t, d, "a"); of.Submitted != 5 || of.Latency.Count() > 5 || of.Tenants != 1 || of.ID != idOf(t, a) {
		t.Errorf("%+v", of)
	}
	if of := series(t, d, "b"); of.Submitted != 2 {
		t.Errorf("%+v", of)
	}
	if len(d.Handlers) != 1 || d.Handlers[0].Calls != 7 || !slices.Equal(d.Values, after.Values) {
		t.Errorf("%+v, %+v", d.Handlers, d.Values)
	}
	if series(t, before, "a").Submitted != 3 || series(t, after, "a").Submitted != 8 {
		t.Error("it has changed what it was made of")
	}
	all, err := after.Since(new(rota.Snapshot))
	ok(t, err)
	if all.Runtime != after.Runtime || !slices.Equal(all.Tenants, after.Tenants) || !slices.Equal(all.Handlers, after.Handlers) {
		t.Errorf("since the beginning: %+v", all)
	}
	made, err := (&rota.Snapshot{Tenants: after.Tenants, Handlers: after.Handlers}).Since(before)
	ok(t, err)
	if len(made.Tenants) != 0 || len(made.Handlers) != 0 {
		t.Errorf("of what Metrics hasn't read: %+v", made)
	}
	for _, c := range [][2]*rota.Snapshot{{nil, after}, {after, nil}} {
		_, err = c[0].Since(c[1])
		wants(t, err, rota.ErrNullPointer)
	}
}

func TestMetricsAreWrittenInEachFormat(t *testing.T) {
	r := openRuntime(t)
	do(t, newTenant(t, r, rota.WithLabel(`a "b"`)), 3)
	const sample = `rota_tenant_jobs_completed_total{tenant="a \"b\""} 3` + "\n"
	if text := written(t, r, rota.MetricsPrometheus); !strings.Contains(text, sample) ||
		!strings.Contains(text, "# TYPE rota_tenant_jobs_completed_total counter\n") {
		t.Error(text)
	}
	open := written(t, r, rota.MetricsOpenMetrics)
	if !strings.Contains(open, sample) || !strings.HasSuffix(open, "\n# EOF\n") {
		t.Error(open)
	}
	var parsed struct {
		Metrics []struct {
			Name    string
			Samples []struct{ Labels map[string]string }
		}
	}
	ok(t, json.Unmarshal([]byte(written(t, r, rota.MetricsJSON)), &parsed))
	var actions, want []string
	for _, family := range parsed.Metrics {
		if family.Name == "rota_decisions" {
			for _, sample := range family.Samples {
				actions = append(actions, sample.Labels["action"])
			}
		}
	}
	for action := range rota.Action(rota.Actions) {
		want = append(want, action.String())
	}
	if !slices.Equal(actions, want) {
		t.Errorf("actions %v, not %v", actions, want)
	}
	for end, n := range metrics(t, r).Runtime.Leases {
		label := fmt.Sprintf("{end=%q}", rota.LeaseEnd(end))
		if n > 0 && !strings.Contains(written(t, r, rota.MetricsPrometheus), label) {
			t.Errorf("there is no %s", label)
		}
	}
	wants(t, r.WriteMetrics(io.Discard, 99), rota.ErrInvalidArgument)
	if rota.MetricsFormat(99).ContentType() != "" {
		t.Error("an unknown format has a type")
	}
	reader, writer := io.Pipe()
	ok(t, reader.Close())
	if err := r.WriteMetrics(writer, rota.MetricsPrometheus); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v", err)
	}
}

func TestLatencyHasQuantiles(t *testing.T) {
	tenant := newTenant(t, shared)
	h, err := tenant.Latency()
	ok(t, err)
	if h.Count() != 0 || h.Quantile(0.5) != 0 {
		t.Fatalf("%d jobs, a median of %v", h.Count(), h.Quantile(0.5))
	}
	do(t, tenant, 100)
	h, err = tenant.Latency()
	ok(t, err)
	p50, p99 := h.Quantile(0.5), h.Quantile(0.99)
	// Of jobs that are submitted one by one each eighth is timed, and those that wake the kernel.
	if h.Count() < 12 || h.Count() > 100 || p50 <= 0 || p50 > p99 || p99 > time.Minute || h.Quantile(-1) > p50 || h.Quantile(2) != h.Quantile(1) {
		t.Errorf("%d jobs, %v, %v", h.Count(), p50, p99)
	}
	for bucket := range rota.HistogramBuckets - 2 {
		if now, next := h.Bound(bucket), h.Bound(bucket+1); next <= now || next-now > max(now/8, 1) {
			t.Errorf("bucket %d: %v, then %v", bucket, now, next)
		}
	}
	if h.Bound(rota.HistogramBuckets-1) != math.MaxInt64 || h.Bound(-1) != h.Bound(0) {
		t.Error("the bounds of no bucket")
	}
	var made rota.Histogram
	made.Buckets[3], made.Buckets[rota.HistogramBuckets-1] = 99, 1
	for part, want := range map[float64]time.Duration{0: made.Bound(3), 0.99: made.Bound(3), 0.991: math.MaxInt64, 1: math.MaxInt64} {
		if got := made.Quantile(part); got != want {
			t.Errorf("%v: %v, not %v", part, got, want)
		}
	}
	if rota.LatencyBound(0) != 1024 || rota.LatencyBound(-1) != 1024 || rota.LatencyBound(13) != 1<<36 ||
		rota.LatencyBound(rota.LatencyBuckets-1) != math.MaxInt64 {
		t.Error("the bounds of Latency")
	}
	var none *rota.Tenant
	_, err = none.Latency()
	wants(t, err, rota.ErrNullPointer)
}

func TestProvidersTellTheirValues(t *testing.T) {
	r := openRuntime(t)
	depth := 7.0
	var late func(string, float64) error
	remove, err := r.AddMetrics(func(tell func(string, float64) error) {
		ok(t, tell("queue_depth", depth))
		for _, bad := range []string{"queue_depth", "rota_x", "1", "a b"} {
			wants(t, tell(bad, 1), rota.ErrInvalidArgument)
		}
		if tell("", 1) == nil {
			t.Error("a name that is empty")
		}
		late = tell
	})
	ok(t, err)
	other, err := r.AddMetrics(func(tell func(string, float64) error) { ok(t, tell("temperature", math.Inf(1))) })
	ok(t, err)
	var s rota.Snapshot
	for range 2 {
		ok(t, r.Metrics(&s))
		told := s.Values[len(s.Values)-2:]
		if told[0] != (rota.Value{Name: "queue_depth", Value: depth}) || told[1].Name != "temperature" || !math.IsInf(told[1].Value, 1) {
			t.Errorf("%+v", s.Values)
		}
		depth++
	}
	if s.Runtime.RefusedNames < 8 {
		t.Errorf("%d names were refused", s.Runtime.RefusedNames)
	}
	wants(t, late("late", 1), rota.ErrNullPointer)
	if text := written(t, r, rota.MetricsPrometheus); !strings.Contains(text, "# TYPE queue_depth gauge\nqueue_depth 9\n") ||
		!strings.Contains(text, "\ntemperature +Inf\n") {
		t.Error(text)
	}
	ok(t, remove())
	wants(t, remove(), rota.ErrInvalidArgument)
	ok(t, r.Metrics(&s))
	if slices.ContainsFunc(s.Values, func(v rota.Value) bool { return v.Name == "queue_depth" }) {
		t.Errorf("%+v", s.Values)
	}
	_, err = r.AddMetrics(nil)
	wants(t, err, rota.ErrNullPointer)
	ok(t, r.Close())
	wants(t, other(), rota.ErrClosed)
	_, err = r.AddMetrics(func(func(string, float64) error) {})
	wants(t, err, rota.ErrClosed)
	var none *rota.Runtime
	_, err = none.AddMetrics(func(func(string, float64) error) {})
	wants(t, err, rota.ErrNullPointer)
}

func TestAPanicOfAProviderComesOutOfTheCallThatAsks(t *testing.T) {
	r := openRuntime(t)
	var s rota.Snapshot
	panics := true
	_, err := r.AddMetrics(func(tell func(string, float64) error) {
		ok(t, tell("before", 1))
		if panics {
			panic("no more")
		}
	})
	ok(t, err)
	for _, call := range []func() error{
		func() error { return r.Metrics(&s) },
		func() error { return r.WriteMetrics(io.Discard, rota.MetricsJSON) },
	} {
		func() {
			defer func() {
				if reason := recover(); reason != "no more" {
					t.Errorf("the panic is %v", reason)
				}
			}()
			t.Errorf("it returned %v", call())
		}()
	}
	panics = false
	ok(t, r.Metrics(&s))
	if s.Values[len(s.Values)-1].Name != "before" {
		t.Errorf("%+v", s.Values)
	}
	do(t, newTenant(t, r), 1)
}

func TestAProviderIsGoneWithItsRuntime(t *testing.T) {
	closed := func(how func(*rota.Runtime)) {
		t.Helper()
		gone := make(chan struct{})
		func() {
			kept := new([1 << 10]float64)
			runtime.AddCleanup(kept, func(gone chan struct{}) { close(gone) }, gone)
			r, err := rota.Open()
			ok(t, err)
			_, err = r.AddMetrics(func(tell func(string, float64) error) { _ = tell("kept", kept[0]) })
			ok(t, err)
			ok(t, r.Metrics(new(rota.Snapshot)))
			how(r)
		}()
		for range 500 {
			runtime.GC()
			select {
			case <-gone:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
		t.Error("it is still there")
	}
	closed(func(r *rota.Runtime) { ok(t, r.Close()) })
	closed(func(*rota.Runtime) {}) // it is forgotten
}

func TestAnyGoroutineAsksAddsAndRemoves(t *testing.T) {
	checkLeaks(t)
	r := openRuntime(t)
	tenant := newTenant(t, r, rota.WithLabel("busy"))
	var all sync.WaitGroup
	each := func(call func(int) error) {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := range 100 {
				// All but the first are what Close does to those that are under way.
				switch err := call(i); {
				case err == nil, errors.Is(err, rota.ErrClosed), errors.Is(err, rota.ErrStopped), errors.Is(err, rota.CompletionCancelled):
				default:
					t.Error(err)
				}
			}
		}()
	}
	each(func(int) error { _, err := tenant.Do(background, nop(1, 2)); return err })
	for n := range 2 {
		var s rota.Snapshot
		each(func(int) error { return r.Metrics(&s) })
		each(func(int) error { return r.WriteMetrics(io.Discard, rota.MetricsOpenMetrics) })
		each(func(i int) error {
			remove, err := r.AddMetrics(func(tell func(string, float64) error) { _ = tell(fmt.Sprint("of_", n), 1) })
			if err == nil && i%3 != 0 {
				err = remove()
			}
			if n == 1 && i == 90 {
				err = errors.Join(err, r.Close())
			}
			return err
		})
	}
	all.Wait()
}

func TestTheMetricsSocketAnswers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics")
	r := openRuntime(t, rota.WithMetricsSocket(path))
	do(t, newTenant(t, r), 1)
	client, err := net.Dial("unix", path)
	ok(t, err)
	defer client.Close()
	_, err = client.Write([]byte("snapshot\n"))
	ok(t, err)
	reader := bufio.NewReader(client)
	line, err := reader.ReadString('\n')
	ok(t, err)
	if !strings.Contains(line, `"rota_jobs_submitted"`) || !strings.Contains(line, `"latencies":[{`) {
		t.Errorf("%.1000s", line)
	}
	// What a provider does while the library asks comes out of the next call.
	remove, err := r.AddMetrics(func(tell func(string, float64) error) {
		_ = tell("depth", 2)
		panic("on purpose")
	})
	ok(t, err)
	_, err = client.Write([]byte("snapshot\n"))
	ok(t, err)
	line, err = reader.ReadString('\n')
	ok(t, err)
	if !strings.Contains(line, `"depth":2`) {
		t.Errorf("%.1000s", line)
	}
	ok(t, remove())
	func() {
		defer func() {
			if reason := recover(); reason != "on purpose" {
				t.Errorf("%v", reason)
			}
		}()
		metrics(t, r)
	}()
	metrics(t, r)
	_, err = rota.Open(rota.WithMetricsSocket("/dev/null"))
	wants(t, err, rota.ErrIO)
	ok(t, r.Close())
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestDecisionsAreKeptWhereTheyAreTraced(t *testing.T) {
	t.Setenv("ROTA_TRACE", "0")
	r := openRuntime(t, rota.WithTrace(), rota.WithMode(rota.ModeBatch))
	do(t, newTenant(t, r), 1)
	all, err := r.Decisions()
	ok(t, err)
	if len(all) == 0 || all[0].Action != rota.ActionModeChosen || all[0].Detail == "" || all[0].At < 0 {
		t.Fatalf("%+v", all)
	}
	text, err := r.DecisionsText()
	ok(t, err)
	if !strings.Contains(text, " mode_chosen saved=0ns "+all[0].Detail+"\n") || strings.Count(text, "\n") < len(all) {
		t.Errorf("%q", text)
	}
	plain := openRuntime(t)
	all, err = plain.Decisions()
	ok(t, err)
	text, failed := plain.DecisionsText()
	ok(t, failed)
	if len(all) != 0 || text != "" {
		t.Errorf("%+v, %q", all, text)
	}
	ok(t, plain.Close())
	_, err = plain.Decisions()
	wants(t, err, rota.ErrClosed)
	_, err = plain.DecisionsText()
	wants(t, err, rota.ErrClosed)
	var none *rota.Runtime
	_, err = none.Decisions()
	wants(t, err, rota.ErrNullPointer)
	_, err = none.DecisionsText()
	wants(t, err, rota.ErrNullPointer)
}
