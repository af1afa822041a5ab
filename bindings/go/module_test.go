// Modules: loading, replacing, granting and unloading, what contexts do to that, and what is refused.

package rota_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	rota "github.com/rota-compute/rota/bindings/go"
)

const (
	opScale = rota.FirstOpcode + iota
	opAdd
	opEndless
)

// scales is a module whose handlers multiply their argument by n, add n to every word of a buffer, and
// never end.
func scales(n int) rota.ModuleOptions {
	return rota.ModuleOptions{
		Label: "test.wgsl",
		Source: fmt.Sprintf("const N = %du;", n) + `
			fn scale() { result(0u, arg(0u) * N); }
			fn add() {
				let b = buffer_mut(arg(0u));
				let i = tile() * lanes() + lane();
				if (i < size(b) / 4u) { store_u32(b, i, load_u32(b, i) + N); }
			}
			fn endless() { loop {} }`,
		Handlers: []rota.Handler{
			{Opcode: opScale, Function: "scale"},
			{Opcode: opAdd, Function: "add", Tiled: true},
			{Opcode: opEndless, Function: "endless"},
		},
	}
}

func load(t *testing.T, tenant *rota.Tenant, n int) *rota.Module {
	t.Helper()
	module, report, err := tenant.LoadModule(background, scales(n))
	ok(t, err)
	if report.Version != 1 || report.Verify <= 0 {
		t.Fatalf("%+v", report)
	}
	return module
}

func scale(argument uint32) rota.Job {
	return rota.Job{Op: opScale, Flags: rota.JobTiming, Args: [10]uint32{argument}}
}

func scaledBy(t *testing.T, tenant *rota.Tenant, n, version uint32) {
	t.Helper()
	done, err := tenant.Do(background, scale(6))
	ok(t, err)
	if done.Results[0] != 6*n || done.ModuleVersion != version {
		t.Fatalf("%+v, not %d by version %d", done, 6*n, version)
	}
}

func hasNone(t *testing.T, tenant *rota.Tenant) {
	t.Helper()
	_, err := tenant.Do(background, scale(6))
	wants(t, err, rota.ErrInvalidOpcode)
}

func TestAModuleIsLoadedReplacedAndUnloaded(t *testing.T) {
	checkLeaks(t)
	tenant := newTenant(t, shared)
	hasNone(t, tenant)
	module := load(t, tenant, 7)
	scaledBy(t, tenant, 7, 1)

	info, err := shared.Info()
	ok(t, err)
	buffer, err := rota.NewBuffer[uint32](tenant, 100, 0)
	ok(t, err)
	_, err = tenant.Do(background, rota.Job{Op: opAdd, Tiles: 100/info.SubgroupSize + 1, Args: [10]uint32{buffer.Name()}})
	ok(t, err)
	words := make([]uint32, 100)
	ok(t, buffer.Read(0, words))
	for i, word := range words {
		if word != 7 {
			t.Fatalf("word %d is %d", i, word)
		}
	}
	_, err = tenant.Do(background, rota.Job{Op: opEndless, Fuel: 500})
	wants(t, err, rota.FaultFuelExhausted)

	report, err := module.Replace(background, scales(9))
	ok(t, err)
	if report.Version != 2 {
		t.Fatalf("%+v", report)
	}
	scaledBy(t, tenant, 9, 2)

	ok(t, module.Unload(background))
	hasNone(t, tenant)
	wants(t, module.Unload(background), rota.ErrClosed)
	_, err = module.Replace(background, scales(9))
	wants(t, err, rota.ErrClosed)
}

func TestARuntimesModuleIsForThoseItIsGrantedTo(t *testing.T) {
	one, two, third := newTenant(t, shared), newTenant(t, shared), newTenant(t, shared)
	module, _, err := shared.LoadModule(background, scales(9))
	ok(t, err)
	hasNone(t, one)
	ok(t, module.Grant(one))
	ok(t, module.Grant(two))
	wants(t, module.Grant(two), rota.ErrOpcodeTaken)
	scaledBy(t, one, 9, 1)
	scaledBy(t, two, 9, 1)
	hasNone(t, third)
	_, err = module.Replace(background, scales(7))
	ok(t, err)
	scaledBy(t, two, 7, 2)
	ok(t, one.Close())
	wants(t, module.Grant(one), rota.ErrClosed)
	ok(t, module.Unload(background))
	hasNone(t, two)
	wants(t, module.Grant(third), rota.ErrClosed)
}

func TestWhatCanNotBeLoadedIsRefused(t *testing.T) {
	tenant := newTenant(t, shared, rota.WithOpcodes(4), rota.WithFuel(300))
	module := load(t, tenant, 7)
	_, err := tenant.Do(background, rota.Job{Op: opEndless, Flags: rota.JobTiming})
	wants(t, err, rota.FaultFuelExhausted)

	with := func(change func(o *rota.ModuleOptions)) rota.ModuleOptions {
		options := scales(7)
		for i := range options.Handlers {
			options.Handlers[i].Opcode++
		}
		options.Handlers = options.Handlers[2:]
		change(&options)
		return options
	}
	for _, c := range []struct {
		change func(o *rota.ModuleOptions)
		status rota.Status
		text   string
	}{
		{func(o *rota.ModuleOptions) { o.Source = "fn endless() { result(0u, x); }" }, rota.ErrInvalidModule, "\n --> test.wgsl:1:27\n"},
		{func(o *rota.ModuleOptions) { o.Source = "" }, rota.ErrInvalidModule, "endless"},
		{func(o *rota.ModuleOptions) { o.Source = "// \xff" }, rota.ErrInvalidModule, "UTF-8"},
		{func(o *rota.ModuleOptions) { o.Handlers = nil }, rota.ErrInvalidArgument, "at least one"},
		{func(o *rota.ModuleOptions) { o.Handlers[0].Function = "" }, rota.ErrInvalidModule, "endless"},
		{func(o *rota.ModuleOptions) { o.Handlers[0].Function = "a\x00b" }, rota.ErrInvalidArgument, "function"},
		{func(o *rota.ModuleOptions) { o.Label = "\xff" }, rota.ErrInvalidArgument, "label"},
		{func(o *rota.ModuleOptions) { o.Handlers[0].Opcode = rota.OpNop }, rota.ErrInvalidOpcode, "0x1000 to 0x1003"},
		{func(o *rota.ModuleOptions) { o.Handlers[0].Opcode = rota.FirstOpcode + 4 }, rota.ErrInvalidOpcode, "0x1004"},
		{func(o *rota.ModuleOptions) { o.Handlers[0].Opcode = opAdd }, rota.ErrOpcodeTaken, "0x1001"},
	} {
		_, _, err := tenant.LoadModule(background, with(c.change))
		wants(t, err, c.status)
		wantsText(t, err, c.text)
	}
	options := scales(7)
	options.Handlers[0].Tiled = true
	_, err = module.Replace(background, options)
	wants(t, err, rota.ErrInvalidArgument)
	wants(t, module.Grant(tenant), rota.ErrInvalidArgument)
	scaledBy(t, tenant, 7, 1)

	var none *rota.Module
	_, err = none.Replace(background, options)
	for _, err := range []error{err, none.Unload(background), none.Grant(tenant), module.Grant(nil)} {
		wants(t, err, rota.ErrNullPointer)
	}
	_, _, err = (*rota.Tenant)(nil).LoadModule(background, options)
	wants(t, err, rota.ErrNullPointer)
	_, _, err = (*rota.Runtime)(nil).LoadModule(background, options)
	wants(t, err, rota.ErrNullPointer)
	zero := new(rota.Module)
	wants(t, zero.Unload(background), rota.ErrNullPointer)
	wants(t, zero.Grant(tenant), rota.ErrNullPointer)
	_, err = zero.Replace(background, options)
	wants(t, err, rota.ErrNullPointer)

	// A tenant takes its modules along.
	ok(t, tenant.Close())
	wants(t, module.Unload(background), rota.ErrClosed)
	_, _, err = tenant.LoadModule(background, scales(7))
	wants(t, err, rota.ErrClosed)
}

// endsLater is a context that has ended when it is looked at for the second time.
type endsLater struct {
	context.Context
	once sync.Once
}

func (c *endsLater) Err() (err error) {
	err = context.Canceled
	c.once.Do(func() { err = nil })
	return err
}

func TestContextsOfALoad(t *testing.T) {
	tenant := newTenant(t, shared)
	ended, cancel := context.WithCancel(background)
	cancel()
	_, _, err := tenant.LoadModule(ended, scales(7))
	wants(t, err, context.Canceled)
	_, _, err = shared.LoadModule(ended, scales(7))
	wants(t, err, context.Canceled)
	hasNone(t, tenant)

	// It ends while the module is loaded: that is unloaded again.
	_, _, err = tenant.LoadModule(&endsLater{Context: background}, scales(7))
	wants(t, err, context.Canceled)
	hasNone(t, tenant)

	module := load(t, tenant, 7)
	_, err = module.Replace(ended, scales(9))
	wants(t, err, context.Canceled)
	scaledBy(t, tenant, 7, 1)
	ok(t, module.Unload(ended)) // at once
	hasNone(t, tenant)
}

func TestTheDeadlineOfAnUnload(t *testing.T) {
	tenant := newTenant(t, shared)
	slow := busy(t, tenant)
	last := scale(3)
	last.Flags |= rota.JobBarrier
	unloaded := func(ctx context.Context) error {
		module := load(t, tenant, 7)
		batch, err := tenant.Submit(background, []rota.Job{slow, slow, slow, last})
		ok(t, err)
		ok(t, module.Unload(ctx))
		done, _ := batch.Wait(background) // its error is the last job's
		if len(done) != 4 {
			t.Fatalf("%d completions", len(done))
		}
		for _, before := range done[:3] {
			ok(t, before.Err())
		}
		return done[3].Err()
	}
	long, cancel := context.WithTimeout(background, time.Hour)
	defer cancel()
	ok(t, unloaded(background))
	ok(t, unloaded(long))
	// With no time the job faults, unless it was done before the unload came to it.
	over, cancel := context.WithDeadline(background, time.Now().Add(-time.Second))
	defer cancel()
	for range 50 {
		if err := unloaded(over); err != nil {
			wants(t, err, rota.FaultHandlerUnloaded)
			return
		}
	}
	t.Fatal("every job was faster than the unload")
}

func TestAModuleMessageHasItsLines(t *testing.T) {
	tenant := newTenant(t, shared)
	_, _, err := tenant.LoadModule(background, rota.ModuleOptions{
		Source:   "fn f() {\n    barrier() }\n",
		Handlers: []rota.Handler{{Opcode: rota.FirstOpcode, Function: "f"}},
	})
	var failure *rota.Error
	if !errors.As(err, &failure) || strings.Count(failure.Message, "\n") < 3 {
		t.Fatalf("%v", err)
	}
}
