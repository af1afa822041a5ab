// The tenants of a runtime: ids, counters, picking.

package rota_test

import (
	"runtime"
	"slices"
	"testing"
	"time"

	rota "github.com/rota-compute/rota/bindings/go"
)

func idOf(t *testing.T, tenant *rota.Tenant) uint64 {
	t.Helper()
	id, err := tenant.ID()
	ok(t, err)
	return id
}

func TestTenantsAreFoundByTheirIDs(t *testing.T) {
	r := openRuntime(t)
	none, err := r.Tenants()
	ok(t, err)
	one, two := newTenant(t, r), newTenant(t, r)
	ids := []uint64{idOf(t, one), idOf(t, two)}
	slices.Sort(ids)
	all, err := r.Tenants()
	ok(t, err)
	if len(none) != 0 || !slices.Equal(all, ids) || ids[0] == 0 || ids[0] == ids[1] {
		t.Fatalf("%v, at first %v", all, none)
	}
	for _, tenant := range []*rota.Tenant{one, two} {
		found, err := r.FindTenant(idOf(t, tenant))
		ok(t, err)
		if found != tenant {
			t.Fatal("it is another one")
		}
	}
	gone := idOf(t, one)
	ok(t, one.Close())
	_, err = r.FindTenant(gone)
	wants(t, err, rota.ErrClosed)
	_, err = one.ID()
	wants(t, err, rota.ErrClosed)
	if next := idOf(t, newTenant(t, r)); next == gone {
		t.Fatal("an id comes again")
	}
	ok(t, r.Close())
	_, err = r.Tenants()
	wants(t, err, rota.ErrClosed)
	_, err = r.FindTenant(idOf0(two))
	wants(t, err, rota.ErrClosed)
}

// idOf0 is the id, or 0 of a tenant that has none any more.
func idOf0(tenant *rota.Tenant) uint64 {
	id, _ := tenant.ID()
	return id
}

func TestAForgottenTenantIsNotKeptByItsID(t *testing.T) {
	r := openRuntime(t)
	id := func() uint64 {
		tenant, err := r.NewTenant()
		ok(t, err)
		return idOf(t, tenant)
	}()
	for range 500 {
		runtime.GC()
		if _, err := r.FindTenant(id); err != nil {
			wants(t, err, rota.ErrClosed)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it is still there")
}

func TestCountersTellWhatATenantHasDone(t *testing.T) {
	r := openRuntime(t)
	tenant, other := newTenant(t, r, rota.WithSlots(128)), newTenant(t, r)
	buffer, err := rota.NewBuffer[uint32](tenant, 100, 0)
	ok(t, err)
	ok(t, buffer.Write(0, make([]uint32, 50)))
	ok(t, buffer.Read(10, make([]uint32, 30)))
	for range 5 {
		_, err := tenant.Do(background, nop(1, 1))
		ok(t, err)
	}
	_, err = tenant.Do(background, rota.Job{Op: rota.OpFill, Args: [10]uint32{999, 0, 1, 7}})
	wants(t, err, rota.FaultInvalidBuffer)
	_, err = tenant.Do(background, rota.Job{Op: rota.OpFill, Tiles: 3, Args: [10]uint32{buffer.Name(), 0, 100, 7}})
	ok(t, err)
	runtime.KeepAlive(buffer)
	_, err = tenant.Do(background, rota.Job{Op: rota.OpSpin, Args: [10]uint32{2000}})
	ok(t, err)
	ok(t, tenant.Quiesce(background))
	c, err := tenant.Counters()
	ok(t, err)
	if c.ID != idOf(t, tenant) || c.Submitted != 8 || c.Completed != 8 || c.Taken[rota.CompletionOK] != 7 ||
		c.Taken[rota.CompletionFaulted] != 1 || c.Faulted[rota.FaultInvalidBuffer] != 1 || c.Tiles != 3 ||
		c.BytesIn != 200 || c.BytesOut != 120 || c.Outstanding != 0 || c.Lag != 0 || c.Quiesces != 1 ||
		c.QuiesceTimeouts != 0 || c.Used[rota.ResourceBufferBytes] != 400 || c.Cap[rota.ResourceSlots] != 128 {
		t.Fatalf("%+v", c)
	}
	for range 500 { // fuel counts when the claim has ended
		if c.Fuel >= 2000 {
			break
		}
		time.Sleep(10 * time.Millisecond)
		c, err = tenant.Counters()
		ok(t, err)
	}
	all, err := r.Counters()
	ok(t, err)
	at := slices.IndexFunc(all, func(one rota.Counters) bool { return one.ID == c.ID })
	if c.Fuel < 2000 || len(all) != 2 || at < 0 || all[at].Submitted != 8 || all[1-at].ID != idOf(t, other) {
		t.Fatalf("%+v\n%+v", c, all)
	}
	ok(t, tenant.Close())
	_, err = tenant.Counters()
	wants(t, err, rota.ErrClosed)
	ok(t, r.Close())
	_, err = r.Counters()
	wants(t, err, rota.ErrClosed)
}

func TestPickTakesThoseThatGoTogether(t *testing.T) {
	ids := make([]uint64, 4)
	for i := range ids {
		ids[i] = idOf(t, newTenant(t, shared))
	}
	all, err := shared.Pick(ids, nil)
	ok(t, err)
	if !slices.Equal(all, []int{0, 1, 2, 3}) {
		t.Fatalf("%v", all)
	}
	// 0 conflicts with 1 and 3; 2 with nobody.
	conflict := func(a, b int) bool { return a == 0 && b != 2 }
	times := make([]int, len(ids))
	for range ids {
		picked, err := shared.Pick(ids, conflict)
		ok(t, err)
		if !slices.Equal(picked, []int{0, 2}) && !slices.Equal(picked, []int{1, 2, 3}) {
			t.Fatalf("%v", picked)
		}
		for _, i := range picked {
			times[i]++
		}
	}
	if slices.Contains(times, 0) || times[2] != 4 {
		t.Fatalf("%v", times)
	}
	none, err := shared.Pick(nil, conflict)
	ok(t, err)
	if len(none) != 0 {
		t.Fatalf("%v", none)
	}
	_, err = shared.Pick([]uint64{ids[0], ids[0]}, nil)
	wants(t, err, rota.ErrInvalidArgument)
	_, err = shared.Pick([]uint64{ids[0], 1 << 60}, nil)
	wants(t, err, rota.ErrClosed)
}
