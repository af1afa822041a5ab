// The life of a tenant: its options, how it is drained and revoked, and what contexts do to that.

package rota_test

import (
	"context"
	"testing"
	"time"

	rota "github.com/rota-compute/rota/bindings/go"
)

func isAt(t *testing.T, tenant *rota.Tenant, want rota.TenantState) {
	t.Helper()
	state, err := tenant.TenantState()
	ok(t, err)
	if state != want {
		t.Fatalf("the tenant is %v, not %v", state, want)
	}
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(background, 20*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestWhatATenantGetsOfTheDevice(t *testing.T) {
	tenant := newTenant(t, shared, rota.WithWeight(10000), rota.WithClass(rota.ClassInteractive), rota.WithShare(1000),
		rota.WithGroup(1))
	for _, c := range []struct {
		option rota.TenantOption
		text   string
	}{
		{rota.WithWeight(10001), "weight"},
		{rota.WithClass(3), "class"},
		{rota.WithShare(1001), "share"},
		{rota.WithGroup(1 << 30), "group"},
	} {
		_, err := shared.NewTenant(c.option)
		wants(t, err, rota.ErrInvalidArgument)
		wantsText(t, err, c.text)
	}
	ok(t, tenant.SetWeight(1))
	wants(t, tenant.SetWeight(0), rota.ErrInvalidArgument)
	wants(t, tenant.SetWeight(10001), rota.ErrInvalidArgument)
	ok(t, tenant.SetShare(0))
	wants(t, tenant.SetShare(1001), rota.ErrInvalidArgument)
	for _, flags := range []rota.JobFlags{rota.JobNormal, rota.JobBackground} {
		job := nop(4, 2)
		job.Flags = flags
		done, err := tenant.Do(background, job)
		ok(t, err)
		if done.Results != [2]uint32{4, 2} {
			t.Fatalf("%+v", done)
		}
	}
	job := nop(4, 2)
	job.Flags = rota.JobNormal | rota.JobBackground
	_, err := tenant.Do(background, job)
	wants(t, err, rota.ErrInvalidArgument)
}

func TestADrainedTenantEndsWhatItHas(t *testing.T) {
	checkLeaks(t)
	tenant := hold(t, shared, 64)
	batch, err := tenant.Submit(background, repeat(nop(1, 1), 5))
	ok(t, err)
	isAt(t, tenant, rota.TenantActive)
	wants(t, tenant.Quiesce(soon(t)), context.DeadlineExceeded)
	isAt(t, tenant, rota.TenantActive)
	wants(t, tenant.Drain(soon(t)), context.DeadlineExceeded)
	isAt(t, tenant, rota.TenantDraining)
	_, err = tenant.Do(background, nop(1, 1))
	wants(t, err, rota.ErrWrongState)
	_, err = tenant.Submit(background, repeat(nop(1, 1), 2))
	wants(t, err, rota.ErrWrongState)
	ok(t, tenant.SetQuota(nil))
	ok(t, tenant.Drain(background))
	done, err := batch.Wait(background)
	ok(t, err)
	if len(done) != 5 {
		t.Fatalf("%d completions", len(done))
	}
	counters, err := tenant.Counters()
	ok(t, err)
	if counters.Quiesces < 3 || counters.QuiesceTimeouts < 2 || counters.QuiesceTime < 20*time.Millisecond {
		t.Fatalf("%+v", counters)
	}
	ok(t, tenant.Revoke(background))
	wants(t, tenant.Drain(background), rota.ErrWrongState)
}

func TestADrainedTenantTellsWhoWaitsForRoom(t *testing.T) {
	checkLeaks(t)
	tenant := hold(t, shared, 100)
	held, err := tenant.Submit(background, repeat(nop(1, 1), 64))
	ok(t, err)
	waits := make(chan error)
	go func() {
		_, err := tenant.Submit(background, repeat(nop(1, 1), 1))
		waits <- err
	}()
	go func() {
		_, err := tenant.Do(background, nop(1, 1))
		waits <- err
	}()
	time.Sleep(5 * time.Millisecond)
	ctx, cancel := context.WithCancel(background)
	cancel()
	wants(t, tenant.Drain(ctx), context.Canceled)
	for range 2 {
		wants(t, <-waits, rota.ErrWrongState)
	}
	ok(t, tenant.SetQuota(nil))
	_, err = held.Wait(background)
	ok(t, err)
}

func TestARevokedTenantsJobsEnd(t *testing.T) {
	checkLeaks(t)
	tenant := hold(t, shared, 64)
	buffer, err := rota.NewBuffer[uint32](tenant, 3, 0)
	ok(t, err)
	batch, err := tenant.Submit(background, repeat(nop(1, 1), 5))
	ok(t, err)
	call := make(chan error, 1)
	go func() {
		_, err := tenant.Do(background, nop(1, 1))
		call <- err
	}()
	for { // until that is submitted
		counters, err := tenant.Counters()
		ok(t, err)
		if counters.Submitted == 7 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	ok(t, tenant.Revoke(background))
	isAt(t, tenant, rota.TenantRevoked)
	err = <-call
	wants(t, err, rota.CompletionRevoked)
	wants(t, err, rota.ErrClosed)
	done, err := batch.Wait(background)
	wants(t, err, rota.CompletionRevoked)
	for _, c := range done {
		if c.Status != rota.CompletionRevoked {
			t.Fatalf("%+v", c)
		}
	}
	_, err = tenant.Do(background, nop(1, 1))
	wants(t, err, rota.ErrWrongState)
	ok(t, tenant.Quiesce(background))
	ok(t, buffer.Write(0, []uint32{1, 2, 3}))
	words := make([]uint32, 3)
	ok(t, buffer.Read(0, words))
	if words[2] != 3 {
		t.Fatalf("%v", words)
	}
	_, err = rota.NewBuffer[uint32](tenant, 3, 0)
	wants(t, err, rota.ErrWrongState)
	wants(t, tenant.Revoke(background), rota.ErrWrongState)
	ok(t, tenant.Close())
	_, err = tenant.TenantState()
	wants(t, err, rota.ErrClosed)
	for _, err := range []error{tenant.Quiesce(background), tenant.Drain(background), tenant.Revoke(background),
		tenant.SetWeight(1), tenant.SetShare(1), tenant.SetQuota(nil)} {
		wants(t, err, rota.ErrClosed)
	}
}

func TestTheContextEndsTheWaitingAndNotWhatWasBegun(t *testing.T) {
	checkLeaks(t)
	tenant := hold(t, shared, 64)
	batch, err := tenant.Submit(background, repeat(nop(1, 1), 5))
	ok(t, err)
	for _, wait := range []func(context.Context) error{tenant.Quiesce, tenant.Drain} {
		ctx, cancel := context.WithCancel(background)
		time.AfterFunc(10*time.Millisecond, cancel)
		wants(t, wait(ctx), context.Canceled)
		far, cancel := context.WithTimeout(ctx, time.Hour)
		wants(t, wait(far), context.Canceled)
		cancel()
	}
	isAt(t, tenant, rota.TenantDraining)

	ended, cancel := context.WithCancel(background)
	cancel()
	other := newTenant(t, shared)
	wants(t, other.Quiesce(ended), context.Canceled)
	_ = other.Drain(ended) // there is nothing to wait for
	isAt(t, other, rota.TenantDraining)
	if err := tenant.Revoke(ended); err != nil {
		wants(t, err, context.Canceled)
		ok(t, tenant.Revoke(background))
	}
	_, err = batch.Wait(background)
	wants(t, err, rota.CompletionRevoked)
}

func TestQuiesceWaitsWhileOthersSubmit(t *testing.T) {
	checkLeaks(t)
	tenant := newTenant(t, shared)
	stop := make(chan struct{})
	ended := make(chan error, 2)
	for range 2 {
		go func() {
			for {
				select {
				case <-stop:
					ended <- nil
					return
				default:
				}
				if _, err := tenant.Do(background, nop(1, 1)); err != nil {
					ended <- err
					return
				}
			}
		}()
	}
	for range 50 {
		batch, err := tenant.Submit(background, repeat(nop(1, 1), 20))
		ok(t, err)
		ok(t, tenant.Quiesce(background))
		for _, ticket := range batch.Tickets() {
			state, err := tenant.State(ticket)
			ok(t, err)
			if state == rota.TicketOpen {
				t.Fatal("a job is open")
			}
		}
	}
	close(stop)
	ok(t, <-ended)
	ok(t, <-ended)
}
