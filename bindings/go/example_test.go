// Short programs for the documentation, which run as tests.

package rota_test

import (
	"context"
	"errors"
	"fmt"
	"log"

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
