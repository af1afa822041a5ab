// What the binding costs beside time: allocations, and processor time while nothing is to do.

package main

import (
	"context"
	"runtime"
	"syscall"
	"time"

	rota "github.com/rota-compute/rota/bindings/go"
)

func allocations(tenant *rota.Tenant, r *report) error {
	const calls = 10000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range calls {
		if _, err := tenant.Do(context.Background(), rota.Job{Op: rota.OpNop}); err != nil {
			return err
		}
	}
	runtime.ReadMemStats(&after)
	r.DoAllocations = float64(after.Mallocs-before.Mallocs) / calls
	return nil
}

// idleCPU is the processor time of the whole process, per second, while nobody does anything.
func idleCPU(span time.Duration) float64 {
	time.Sleep(50 * time.Millisecond) // the kernel parks
	begin := processorTime()
	time.Sleep(span)
	return (processorTime() - begin).Seconds() / span.Seconds()
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
