// Quotas: what they refuse and with which numbers, who gets what back, and reservations.

package rota_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	rota "github.com/rota-compute/rota/bindings/go"
)

// refused is the *QuotaError that an error has to be.
func refused(t *testing.T, err error, resource rota.Resource, requested, used, most uint64) *rota.QuotaError {
	t.Helper()
	wants(t, err, rota.ErrQuotaExceeded)
	var quota *rota.QuotaError
	var failure *rota.Error
	if !errors.As(err, &quota) || !errors.As(err, &failure) || failure != quota.Err {
		t.Fatalf("%#v", err)
	}
	if quota.Resource != resource || quota.Requested != requested || quota.Used != used || quota.Cap != most {
		t.Fatalf("%+v, not %d more %v than %d of %d", *quota, requested, resource, used, most)
	}
	return quota
}

// hold makes a tenant whose jobs wait until its quota is changed: what it may use of the device in a second
// it has used for hours.
func hold(t *testing.T, r *rota.Runtime, slots uint64) *rota.Tenant {
	t.Helper()
	tenant := newTenant(t, r, rota.WithSlots(64),
		rota.WithQuota(rota.Quota{rota.ResourceFuelPerSecond: 10, rota.ResourceSlots: slots}))
	_, err := tenant.Do(background, rota.Job{Op: rota.OpSpin, Args: [10]uint32{7000}})
	ok(t, err)
	return tenant
}

func TestAQuotaRefusesWithItsNumbers(t *testing.T) {
	tenant := newTenant(t, shared, rota.WithQuota(rota.Quota{rota.ResourceBufferBytes: 4096, rota.ResourceBuffers: 2,
		rota.ResourceFuelPerJob: 100, rota.ResourceModules: 0, rota.ResourceStagingBytes: 2048}))
	first, err := rota.NewBuffer[uint32](tenant, 768, 0)
	ok(t, err)
	_, err = rota.NewBuffer[uint32](tenant, 512, 0)
	quota := refused(t, err, rota.ResourceBufferBytes, 2048, 3072, 4096)
	if quota.OfRuntime || quota.Err.Retryable || quota.Error() == "" || quota.Error() != quota.Err.Error() {
		t.Fatalf("%+v", *quota)
	}
	second, err := rota.NewBuffer[uint32](tenant, 256, 0)
	ok(t, err)
	_, err = rota.NewBuffer[uint8](tenant, 4, 0)
	refused(t, err, rota.ResourceBuffers, 1, 2, 2)
	refused(t, first.Write(0, make([]uint32, 513)), rota.ResourceStagingBytes, 2052, 0, 2048)
	ok(t, first.Write(0, make([]uint32, 512)))
	_, err = tenant.Do(background, rota.Job{Op: rota.OpSpin, Fuel: 101, Args: [10]uint32{10}})
	refused(t, err, rota.ResourceFuelPerJob, 101, 0, 100)
	_, err = tenant.Do(background, rota.Job{Op: rota.OpSpin, Fuel: 100, Args: [10]uint32{10}})
	ok(t, err)
	_, _, err = tenant.LoadModule(background, scales(7))
	refused(t, err, rota.ResourceModules, 1, 0, 0)

	// Less than there is changes nothing.
	refused(t, tenant.SetQuota(rota.Quota{rota.ResourceBufferBytes: 4095, rota.ResourceBuffers: 9}),
		rota.ResourceBufferBytes, 0, 4096, 4095)
	_, err = rota.NewBuffer[uint8](tenant, 4, 0)
	refused(t, err, rota.ResourceBuffers, 1, 2, 2)
	ok(t, tenant.SetQuota(rota.Quota{rota.ResourceFuelPerSecond: 0}))
	_, err = tenant.Do(background, nop(1, 1))
	refused(t, err, rota.ResourceFuelPerSecond, 1, 0, 0)
	ok(t, tenant.SetQuota(nil))
	third, err := rota.NewBuffer[uint32](tenant, 1<<20, 0)
	ok(t, err)
	_, err = tenant.Do(background, nop(1, 1))
	ok(t, err)
	runtime.KeepAlive([]any{first, second, third})

	counters, err := tenant.Counters()
	ok(t, err)
	if counters.Refused != [rota.Resources]uint64{0, 1, 2, 1, 1, 1, 1} || counters.Used[rota.ResourceBuffers] != 3 ||
		counters.Used[rota.ResourceBufferBytes] != 4096+4<<20 || counters.Cap[rota.ResourceBuffers] != rota.Unlimited {
		t.Fatalf("%+v", counters)
	}
}

func TestAQuotaOfSlotsRefusesAndTheyComeBack(t *testing.T) {
	checkLeaks(t)
	tenant := hold(t, shared, 4)
	batch, err := tenant.Submit(background, repeat(nop(1, 1), 10))
	if quota := refused(t, err, rota.ResourceSlots, 6, 4, 4); !quota.Err.Retryable || batch.Len() != 4 {
		t.Fatalf("%+v, %d accepted", *quota.Err, batch.Len())
	}
	_, err = tenant.Do(background, nop(1, 1))
	if quota := refused(t, err, rota.ResourceSlots, 1, 4, 4); !quota.Err.Retryable {
		t.Fatalf("%+v", *quota.Err)
	}
	var other rota.Batch
	refused(t, tenant.TrySubmit(&other, repeat(nop(1, 1), 2)), rota.ResourceSlots, 2, 4, 4)
	if batch, err := tenant.Submit(background, repeat(nop(1, 1), 2)); batch != nil {
		t.Fatalf("there is a batch, and %v", err)
	}
	ok(t, tenant.SetQuota(rota.Quota{rota.ResourceSlots: 4}))
	done, err := batch.Wait(background)
	ok(t, err)
	if len(done) != 4 {
		t.Fatalf("%d completions", len(done))
	}
	_, err = tenant.Do(background, nop(1, 1))
	ok(t, err)
}

func TestCallsThatAreSubmittedTogetherAreRefusedEachForItself(t *testing.T) {
	checkLeaks(t)
	tenant := hold(t, shared, 2)
	batch, err := tenant.Submit(background, repeat(nop(1, 1), 2))
	ok(t, err)
	calls := make(chan error, 64)
	for range cap(calls) {
		go func() {
			for range 50 {
				_, err := tenant.Do(background, nop(1, 1))
				var quota *rota.QuotaError
				if !errors.As(err, &quota) || quota.Requested != 1 || quota.Used != 2 || !quota.Err.Retryable {
					calls <- fmt.Errorf("the call gives %v", err)
					return
				}
			}
			calls <- nil
		}()
	}
	for range cap(calls) {
		ok(t, <-calls)
	}
	ok(t, tenant.SetQuota(nil))
	_, err = batch.Wait(background)
	ok(t, err)
}

func TestCompletionsThatNobodyWaitsForDoNotUseUpAQuota(t *testing.T) {
	checkLeaks(t)
	tenant := newTenant(t, shared, rota.WithSlots(64), rota.WithQuota(rota.Quota{rota.ResourceSlots: 4}))
	for i := range 100 {
		batch, err := tenant.Submit(background, repeat(nop(1, 1), 4))
		ok(t, err)
		completed(t, tenant, batch)
		if i%2 == 0 {
			_, err = tenant.Do(background, nop(1, 1))
			ok(t, err)
		}
	}
}

func TestWhoeverTakesTheCompletionsThatHoldAQuotaNobodyIsRefused(t *testing.T) {
	checkLeaks(t)
	tenant := newTenant(t, shared, rota.WithSlots(64), rota.WithQuota(rota.Quota{rota.ResourceSlots: 4}))
	var before, batch rota.Batch
	for range 2000 {
		ok(t, tenant.SubmitInto(background, &before, repeat(nop(1, 1), 4)))
		completed(t, tenant, &before)
		// Two of four, for which the four that nobody has taken have to be taken.
		call := make(chan error)
		go func() {
			_, err := tenant.Do(background, nop(1, 1))
			call <- err
		}()
		ok(t, tenant.TrySubmit(&batch, repeat(nop(2, 2), 1)))
		ok(t, <-call)
		for _, b := range []*rota.Batch{&batch, &before} {
			_, err := b.Wait(background)
			ok(t, err)
		}
	}
}

func TestTheQuotaOfARuntimeIsForAllTenants(t *testing.T) {
	r := openRuntime(t, rota.WithRuntimeQuota(rota.Quota{rota.ResourceBuffers: 1}))
	one, two := newTenant(t, r), newTenant(t, r)
	buffer, err := rota.NewBuffer[uint8](one, 8, 0)
	ok(t, err)
	_, err = rota.NewBuffer[uint8](two, 8, 0)
	if quota := refused(t, err, rota.ResourceBuffers, 1, 1, 1); !quota.OfRuntime {
		t.Fatalf("%+v", *quota)
	}
	ok(t, buffer.Close())
	buffer, err = rota.NewBuffer[uint8](two, 8, 0)
	ok(t, err)
	runtime.KeepAlive(buffer)
}

func TestAResourceThatThereIsNotIsRefused(t *testing.T) {
	wrong := rota.Quota{rota.Resources: 1}
	_, err := rota.Open(rota.WithRuntimeQuota(wrong))
	wants(t, err, rota.ErrInvalidArgument)
	_, err = shared.NewTenant(rota.WithQuota(wrong))
	wants(t, err, rota.ErrInvalidArgument)
	tenant := newTenant(t, shared)
	wants(t, tenant.SetQuota(wrong), rota.ErrInvalidArgument)
	for _, resource := range []rota.Resource{rota.ResourceFuelPerJob, rota.ResourceFuelPerSecond, rota.Resources} {
		_, err = tenant.Reserve(resource, 1)
		wants(t, err, rota.ErrInvalidArgument)
	}
}

func TestAReservationHoldsSomeOfAQuota(t *testing.T) {
	tenant := newTenant(t, shared, rota.WithQuota(rota.Quota{rota.ResourceBufferBytes: 4096}))
	held, err := tenant.Reserve(rota.ResourceBufferBytes, 4000)
	ok(t, err)
	if held.Resource() != rota.ResourceBufferBytes || held.Amount() != 4000 {
		t.Fatalf("%d of %v", held.Amount(), held.Resource())
	}
	_, err = rota.NewBuffer[uint8](tenant, 100, 0)
	refused(t, err, rota.ResourceBufferBytes, 100, 4000, 4096)
	_, err = tenant.Reserve(rota.ResourceBufferBytes, 97)
	refused(t, err, rota.ResourceBufferBytes, 97, 4000, 4096)
	ok(t, held.Release())
	wants(t, held.Release(), rota.ErrClosed)
	buffer, err := rota.NewBuffer[uint8](tenant, 100, 0)
	ok(t, err)
	ok(t, buffer.Close())

	var none *rota.Reservation
	for _, r := range []*rota.Reservation{none, {}} {
		wants(t, r.Release(), rota.ErrNullPointer)
		if r.Resource() != 0 || r.Amount() != 0 {
			t.Fatal("something is held")
		}
	}
	held, err = tenant.Reserve(rota.ResourceSlots, 3)
	ok(t, err)
	ok(t, tenant.Close())
	ok(t, held.Release())
	_, err = tenant.Reserve(rota.ResourceSlots, 1)
	wants(t, err, rota.ErrClosed)
}

func TestWhoWaitsForRoomGetsThatOfAReservation(t *testing.T) {
	checkLeaks(t)
	tenant := newTenant(t, shared, rota.WithSlots(64))
	reserved, err := tenant.Reserve(rota.ResourceSlots, 64)
	ok(t, err)
	waits := make(chan error)
	for _, jobs := range []int{1, 100} {
		go func() {
			batch, err := tenant.Submit(background, repeat(nop(1, 1), jobs))
			if err == nil {
				_, err = batch.Wait(background)
			}
			waits <- err
		}()
	}
	go func() {
		_, err := tenant.Do(background, nop(1, 1))
		waits <- err
	}()
	select {
	case err := <-waits:
		t.Fatalf("somebody got room that there isn't: %v", err)
	case <-time.After(5 * time.Millisecond):
	}
	ok(t, reserved.Release())
	for range 3 {
		ok(t, <-waits)
	}
}

func TestAForgottenReservationIsReleased(t *testing.T) {
	tenant := newTenant(t, shared)
	func() {
		for range 10 {
			_, err := tenant.Reserve(rota.ResourceModules, 5)
			ok(t, err)
		}
	}()
	for range 500 {
		runtime.GC()
		counters, err := tenant.Counters()
		ok(t, err)
		if counters.Used[rota.ResourceModules] == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("they are still held")
}
