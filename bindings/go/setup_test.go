// What the tests share: runtimes, jobs that take long, and the look for goroutines that stay.

package rota_test

import (
	"context"
	"errors"
	"log"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	rota "github.com/rota-compute/rota/bindings/go"
)

// shared is for the tests that don't close their runtime.
var shared *rota.Runtime

func TestMain(m *testing.M) {
	// The tests that run this program again want no runtime in it.
	if os.Getenv("ROTA_TEST_CHILD") != "" {
		os.Exit(m.Run())
	}
	for _, name := range []string{"ROTA_RECORD", "ROTA_SPANS", "OTEL_TRACES_EXPORTER"} {
		_ = os.Unsetenv(name) // the tests that want it say so
	}
	before := runtime.NumGoroutine()
	var err error
	shared, err = rota.Open()
	if err != nil {
		log.Fatal(err)
	}
	code := m.Run()
	if err := shared.Close(); err != nil {
		log.Fatal(err)
	}
	if stacks := goroutinesAbove(before); stacks != "" {
		log.Fatalf("goroutines stayed:\n%s", stacks)
	}
	os.Exit(code)
}

// goroutinesAbove gives the goroutines their time to end, and is empty when they have.
func goroutinesAbove(allowed int) string {
	for range 400 {
		if runtime.NumGoroutine() <= allowed {
			return ""
		}
		time.Sleep(5 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	return string(stacks[:runtime.Stack(stacks, true)])
}

// checkLeaks fails the test at its end if it leaves goroutines behind. Call it first.
func checkLeaks(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		if stacks := goroutinesAbove(before); stacks != "" {
			t.Errorf("goroutines stayed:\n%s", stacks)
		}
	})
}

func openRuntime(t *testing.T, options ...rota.Option) *rota.Runtime {
	t.Helper()
	r, err := rota.Open(options...)
	ok(t, err)
	t.Cleanup(func() { _ = r.Close() }) // the test may have closed it
	return r
}

func newTenant(t *testing.T, r *rota.Runtime, options ...rota.TenantOption) *rota.Tenant {
	t.Helper()
	tenant, err := r.NewTenant(options...)
	ok(t, err)
	t.Cleanup(func() { _ = tenant.Close() })
	return tenant
}

func nop(a, b uint32) rota.Job {
	return rota.Job{Op: rota.OpNop, Args: [10]uint32{a, b}}
}

const busyWords = 8 << 20

// busy is a job that takes some ten milliseconds, after all that were submitted before it.
func busy(t *testing.T, tenant *rota.Tenant) rota.Job {
	t.Helper()
	buffer, err := rota.NewBuffer[uint32](tenant, busyWords, 0)
	ok(t, err)
	t.Cleanup(func() { runtime.KeepAlive(buffer) })
	return rota.Job{
		Op:    rota.OpSumU32,
		Flags: rota.JobBarrier,
		Tiles: rota.Tiles(rota.OpSumU32, busyWords),
		Args:  [10]uint32{buffer.Name(), 0, busyWords},
	}
}

// completed waits until a batch's jobs have completed, and takes none of the completions.
func completed(t *testing.T, tenant *rota.Tenant, batch *rota.Batch) {
	t.Helper()
	for _, ticket := range batch.Tickets() {
		for {
			state, err := tenant.State(ticket)
			ok(t, err)
			if state != rota.TicketOpen {
				break
			}
			time.Sleep(100 * time.Microsecond)
		}
	}
}

func repeat(job rota.Job, n int) []rota.Job {
	jobs := make([]rota.Job, n)
	for i := range jobs {
		jobs[i] = job
	}
	return jobs
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wants(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("the error is %v, not %v", err, want)
	}
}

func wantsText(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Fatalf("the error is %v and does not say %q", err, text)
	}
}

var background = context.Background()

// leastAllocations is how often a call allocates when the machine lets it: one that has to wait for
// long starts a goroutine.
func leastAllocations(call func()) float64 {
	least := testing.AllocsPerRun(5, call)
	for range 200 {
		least = min(least, testing.AllocsPerRun(5, call))
	}
	return least
}
