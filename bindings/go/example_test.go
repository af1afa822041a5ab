// Short programs for the documentation, which run as tests.

package rota_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	rota "github.com/rota-compute/rota/bindings/go"
)

func Example() {
	runtime, err := rota.Open() // the best device, defaults everywhere
	if err != nil {
		log.Fatal(err)
	}
	defer runtime.Close() // and its tenants
	tenant, err := runtime.NewTenant()
	if err != nil {
		log.Fatal(err)
	}
	done, err := tenant.Do(context.Background(), rota.Job{Op: rota.OpNop, Args: [10]uint32{20, 22}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(done.Results, done.Status)
	// Output: [20 22] ROTA_COMPLETION_OK
}

func ExampleTenant_Submit() {
	tenant := exampleTenant()
	defer tenant.Close()
	ctx := context.Background()

	jobs := make([]rota.Job, 1000)
	for i := range jobs {
		jobs[i] = rota.Job{Op: rota.OpNop, Args: [10]uint32{uint32(i)}}
	}
	batch, err := tenant.Submit(ctx, jobs)
	if err != nil {
		log.Fatal(err)
	}
	completions, err := batch.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	sum := uint32(0)
	for _, done := range completions {
		sum += done.Results[0]
	}
	fmt.Println(len(completions), sum)
	// Output: 1000 499500
}

func ExampleNewBuffer() {
	tenant := exampleTenant()
	defer tenant.Close()

	numbers, err := rota.NewBuffer[uint32](tenant, 5, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer numbers.Close()
	if err := numbers.Write(0, []uint32{1, 2, 3, 4, 1 << 31}); err != nil {
		log.Fatal(err)
	}
	done, err := tenant.Do(context.Background(), rota.Job{
		Op:    rota.OpSumU32,
		Tiles: rota.Tiles(rota.OpSumU32, 5),
		Args:  [10]uint32{numbers.Name(), 0, 5},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(done.Uint64())
	// Output: 2147483658
}

func ExampleJobError() {
	tenant := exampleTenant()
	defer tenant.Close()

	_, err := tenant.Do(context.Background(), rota.Job{Op: rota.OpFill, Args: [10]uint32{999, 0, 1, 7}})
	var failure *rota.JobError
	if errors.As(err, &failure) {
		fmt.Println(failure.Status, failure.Fault.Name())
	}
	fmt.Println(errors.Is(err, rota.FaultInvalidBuffer))
	// Output:
	// ROTA_COMPLETION_FAULTED ROTA_FAULT_INVALID_BUFFER
	// true
}

func ExampleTenant_ReadInto() {
	tenant := exampleTenant()
	defer tenant.Close()

	bytes, err := rota.NewBuffer[uint8](tenant, 100, 0)
	if err != nil {
		log.Fatal(err)
	}
	if err := bytes.Write(10, []byte("one call for many ranges")); err != nil {
		log.Fatal(err)
	}
	outputs, err := rota.NewOutputs()
	if err != nil {
		log.Fatal(err)
	}
	defer outputs.Close()
	if err := tenant.ReadInto(outputs, []rota.Range{bytes.Range(10, 8), bytes.Range(23, 11)}); err != nil {
		log.Fatal(err)
	}
	for i := range 2 {
		_ = outputs.View(i, func(data []byte) { fmt.Printf("%q\n", data) })
	}
	// Output:
	// "one call"
	// "many ranges"
}

func ExampleQuotaError() {
	tenant, err := shared.NewTenant(rota.WithQuota(rota.Quota{rota.ResourceBufferBytes: 4096}))
	if err != nil {
		log.Fatal(err)
	}
	defer tenant.Close()

	_, err = rota.NewBuffer[float32](tenant, 2000, 0)
	var quota *rota.QuotaError
	if errors.As(err, &quota) {
		fmt.Println(quota.Resource, quota.Requested, quota.Used, quota.Cap, quota.Err.Retryable)
	}
	fmt.Println(errors.Is(err, rota.ErrQuotaExceeded))
	// Output:
	// buffer_bytes 8000 0 4096 false
	// true
}

func ExampleTenant_Reserve() {
	tenant, err := shared.NewTenant(rota.WithQuota(rota.Quota{rota.ResourceBuffers: 2}))
	if err != nil {
		log.Fatal(err)
	}
	defer tenant.Close()

	held, err := tenant.Reserve(rota.ResourceBuffers, 2)
	if err != nil {
		log.Fatal(err)
	}
	_, err = rota.NewBuffer[uint8](tenant, 1, 0)
	fmt.Println(err)
	if err := held.Release(); err != nil {
		log.Fatal(err)
	}
	_, err = rota.NewBuffer[uint8](tenant, 1, 0)
	fmt.Println(err)
	// Output:
	// rota: the quota of the tenant allows 2 buffers; in use: 2, asked for: 1 more
	// <nil>
}

func ExampleTenant_Revoke() {
	tenant := exampleTenant()
	defer tenant.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	if err := tenant.Revoke(ctx); err != nil {
		log.Fatal(err)
	}
	_, err := tenant.Do(ctx, rota.Job{Op: rota.OpNop})
	state, _ := tenant.TenantState()
	fmt.Println(state, errors.Is(err, rota.ErrWrongState))
	// Output: revoked true
}

func ExampleBuffer_Grant() {
	owner, other := exampleTenant(), exampleTenant()
	defer owner.Close()
	defer other.Close()

	words, err := rota.NewBuffer[uint32](owner, 3, 0)
	if err != nil {
		log.Fatal(err)
	}
	if err := words.Write(0, []uint32{1, 2, 3}); err != nil {
		log.Fatal(err)
	}
	granted, err := words.Grant(other, rota.BufferReadOnly)
	if err != nil {
		log.Fatal(err)
	}
	defer granted.Close() // forgotten it would be closed: the jobs have only its name
	sum := rota.Job{Op: rota.OpSumU32, Args: [10]uint32{granted.Name(), 0, 3}}
	done, err := other.Do(context.Background(), sum)
	fmt.Println(done.Uint64(), err)
	if err := words.TakeBack(other); err != nil {
		log.Fatal(err)
	}
	_, err = other.Do(context.Background(), sum)
	fmt.Println(errors.Is(err, rota.FaultInvalidBuffer))
	// Output:
	// 6 <nil>
	// true
}

func ExampleRuntime_Pick() {
	first, second, third := exampleTenant(), exampleTenant(), exampleTenant()
	ids := make([]uint64, 3)
	for i, tenant := range []*rota.Tenant{first, second, third} {
		defer tenant.Close()
		ids[i], _ = tenant.ID()
	}
	notTogether := func(a, b int) bool { return a == 0 && b == 1 }
	for range 2 {
		picked, err := shared.Pick(ids, notTogether)
		fmt.Println(picked, err)
	}
	// Unordered output:
	// [0 2] <nil>
	// [1 2] <nil>
}

func exampleTenant() *rota.Tenant {
	tenant, err := shared.NewTenant()
	if err != nil {
		log.Fatal(err)
	}
	return tenant
}

func ExampleTenant_LoadModule() {
	tenant := exampleTenant()
	defer tenant.Close()
	ctx := context.Background()

	module, _, err := tenant.LoadModule(ctx, rota.ModuleOptions{
		Label:    "triple.wgsl",
		Source:   "fn triple() { result(0u, 3u * arg(0u)); }",
		Handlers: []rota.Handler{{Opcode: rota.FirstOpcode, Function: "triple"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	done, err := tenant.Do(ctx, rota.Job{Op: rota.FirstOpcode, Args: [10]uint32{14}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(done.Results[0])
	if err := module.Unload(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: 42
}

func ExampleRuntime_Metrics() {
	tenant := exampleTenant()
	defer tenant.Close()
	ctx := context.Background()

	var before, now rota.Snapshot // used again by each call
	if err := shared.Metrics(&before); err != nil {
		log.Fatal(err)
	}
	for range 10 {
		if _, err := tenant.Do(ctx, rota.Job{Op: rota.OpNop}); err != nil {
			log.Fatal(err)
		}
	}
	if err := shared.Metrics(&now); err != nil {
		log.Fatal(err)
	}
	since, err := now.Since(&before)
	if err != nil {
		log.Fatal(err)
	}
	latency, err := tenant.Latency()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(since.Runtime.All.Completed, latency.Quantile(0.99) > 0)
	// Output: 10 true
}

func ExampleContextWithTrace() {
	runtime, err := rota.Open(rota.WithSpans(rota.SpanOptions{Path: "/dev/null", Sampler: rota.SamplerParentAlwaysOff}))
	if err != nil {
		log.Fatal(err)
	}
	defer runtime.Close()
	tenant, err := runtime.NewTenant()
	if err != nil {
		log.Fatal(err)
	}
	// The header traceparent of a request.
	trace, err := rota.ParseTraceContext("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if err != nil {
		log.Fatal(err)
	}
	ctx := rota.ContextWithTrace(context.Background(), trace)
	if _, err := tenant.Do(ctx, rota.Job{Op: rota.OpNop}); err != nil {
		log.Fatal(err)
	}
	if err := runtime.FlushSpans(time.Minute); err != nil {
		log.Fatal(err)
	}
	stats, err := runtime.SpanStats()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(stats.Exported)
	// Output: 1
}
