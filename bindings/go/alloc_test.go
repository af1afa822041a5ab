//go:build !race

// What allocates nothing. Not under the race detector, which makes sync.Pool forget on purpose.
package rota_test

import (
	"context"
	"io"
	"testing"

	rota "github.com/rota-compute/rota/bindings/go"
)

func TestDoAllocatesNothing(t *testing.T) {
	tenant := newTenant(t, shared)
	each := leastAllocations(func() {
		if _, err := tenant.Do(background, nop(1, 2)); err != nil {
			t.Fatal(err)
		}
	})
	if each > 0 {
		t.Fatalf("%v allocations per call", each)
	}
}

func TestDoInATraceAllocatesNothing(t *testing.T) {
	r := openRuntime(t, rota.WithSpans(rota.SpanOptions{Path: "/dev/null", Sampler: rota.SamplerParentAlwaysOn}))
	tenant := newTenant(t, r)
	for name, ctx := range map[string]context.Context{
		"without a trace": background,
		"with a trace":    rota.ContextWithTrace(background, traceOf(1)),
	} {
		each := leastAllocations(func() {
			if _, err := tenant.Do(ctx, nop(1, 2)); err != nil {
				t.Fatal(err)
			}
		})
		if each > 0 {
			t.Errorf("%s: %v allocations per call", name, each)
		}
	}
	var batch rota.Batch
	jobs, traces := repeat(nop(1, 2), 64), make([]rota.TraceContext, 64)
	each := leastAllocations(func() {
		ok(t, tenant.SubmitIntoTraced(background, &batch, jobs, traces))
		completed(t, tenant, &batch) // what takes long is waited for with a channel
		_, err := batch.Wait(background)
		ok(t, err)
	})
	if each > 0 {
		t.Errorf("SubmitIntoTraced: %v allocations per call", each)
	}
}

func TestATryOnAFullRingAllocatesNothing(t *testing.T) {
	tenant := hold(t, shared, 100)
	held, err := tenant.Submit(background, repeat(nop(1, 2), 64))
	ok(t, err)
	var batch rota.Batch
	jobs := repeat(nop(3, 4), 1)
	each := leastAllocations(func() { wants(t, tenant.TrySubmit(&batch, jobs), rota.ErrWouldBlock) })
	if each > 0 {
		t.Errorf("%v allocations per call", each)
	}
	ok(t, tenant.SetQuota(nil))
	_, err = held.Wait(background)
	ok(t, err)
}

func TestMetricsAllocateNothing(t *testing.T) {
	tenant := newTenant(t, shared, rota.WithLabel("allocates nothing"))
	_, err := tenant.Do(background, nop(1, 2))
	ok(t, err)
	var snapshot rota.Snapshot
	ok(t, shared.Metrics(&snapshot))
	if each := leastAllocations(func() { ok(t, shared.Metrics(&snapshot)) }); each > 0 {
		t.Errorf("Metrics: %v allocations per call", each)
	}
	// Two of what C writes to, which Go has on its heap.
	if each := leastAllocations(func() { ok(t, shared.WriteMetrics(io.Discard, rota.MetricsPrometheus)) }); each > 2 {
		t.Errorf("WriteMetrics: %v allocations per call", each)
	}
}
