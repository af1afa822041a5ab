// What Submit and Batch promise: order, room in the ring, waiting, refused and cancelled jobs.

package rota_test

import (
	"context"
	"testing"
	"time"

	rota "github.com/rota-compute/rota/bindings/go"
)

func TestABatchGivesItsCompletionsInTheOrderOfItsJobs(t *testing.T) {
	checkLeaks(t)
	tenant := newTenant(t, shared, rota.WithSlots(64))
	jobs := make([]rota.Job, 1000) // more than there are slots: Submit waits for room
	for i := range jobs {
		jobs[i] = nop(uint32(i), uint32(i)*3)
		jobs[i].UserData = uint64(i) << 40
	}
	var batch rota.Batch
	for range 10 {
		ok(t, tenant.SubmitInto(background, &batch, jobs))
		done, err := batch.Wait(background)
		ok(t, err)
		if len(done) != len(jobs) || batch.Len() != len(jobs) {
			t.Fatalf("%d completions", len(done))
		}
		for i, c := range done {
			if c.Results != [2]uint32{uint32(i), uint32(i) * 3} || c.UserData != uint64(i)<<40 ||
				c.Ticket != batch.Tickets()[i] {
				t.Fatalf("completion %d is %+v", i, c)
			}
		}
	}
	if jobs[7].UserData != 7<<40 || jobs[7].Tiles != 0 {
		t.Fatal("the caller's jobs were changed")
	}
}

func TestDoneIsClosedWithoutAnybodyWaiting(t *testing.T) {
	checkLeaks(t)
	tenant := newTenant(t, shared)
	for range 100 {
		batch, err := tenant.Submit(background, repeat(nop(1, 1), 10))
		ok(t, err)
		select {
		case <-batch.Done():
		case <-time.After(10 * time.Second):
			t.Fatal("not done")
		}
		_, err = batch.Wait(background)
		ok(t, err)
	}
}

func TestATryOnAFullRingGivesErrWouldBlockAndWhatHadRoom(t *testing.T) {
	checkLeaks(t)
	tenant := newTenant(t, shared, rota.WithSlots(16))
	busyBatch, err := tenant.Submit(background, repeat(busy(t, tenant), 10))
	ok(t, err)
	var batch rota.Batch
	wants(t, tenant.TrySubmit(&batch, repeat(nop(3, 4), 20)), rota.ErrWouldBlock)
	if n := batch.Len(); n < 6 || n > 16 {
		t.Fatalf("%d jobs had room", n)
	}
	done, err := batch.Wait(background)
	ok(t, err)
	if len(done) != batch.Len() || done[0].Results != [2]uint32{3, 4} {
		t.Fatalf("%+v", done)
	}
	_, err = busyBatch.Wait(background)
	ok(t, err)
	// Completions that nobody waits for leave room for a try.
	for range 10 {
		before, err := tenant.Submit(background, repeat(nop(1, 1), 16))
		ok(t, err)
		completed(t, tenant, before)
		ok(t, tenant.TrySubmit(&batch, repeat(nop(1, 1), 16)))
		_, err = batch.Wait(background)
		ok(t, err)
	}
}

func TestTheEndOfTheContextEndsOnlyTheWaiting(t *testing.T) {
	checkLeaks(t)
	tenant := newTenant(t, shared)
	batch, err := tenant.Submit(background, repeat(busy(t, tenant), 10))
	ok(t, err)
	ctx, cancel := context.WithTimeout(background, 5*time.Millisecond)
	defer cancel()
	done, err := batch.Wait(ctx)
	wants(t, err, context.DeadlineExceeded)
	if done != nil {
		t.Fatal("there are completions")
	}
	wants(t, tenant.SubmitInto(background, batch, repeat(nop(1, 1), 1)), rota.ErrWrongState)
	done, err = batch.Wait(background)
	ok(t, err)
	if len(done) != 10 {
		t.Fatalf("%d completions", len(done))
	}
}

func TestARefusedJobEndsTheSubmitAndThoseBeforeItStay(t *testing.T) {
	tenant := newTenant(t, shared)
	jobs := repeat(nop(1, 1), 10)
	jobs[4].Op = 0x999
	batch, err := tenant.Submit(background, jobs)
	wants(t, err, rota.ErrInvalidOpcode)
	if batch.Len() != 4 {
		t.Fatalf("%d jobs were accepted", batch.Len())
	}
	done, err := batch.Wait(background)
	ok(t, err)
	if len(done) != 4 || done[3].Status != rota.CompletionOK {
		t.Fatalf("%+v", done)
	}
	_, err = tenant.Submit(background, nil)
	wants(t, err, rota.ErrInvalidArgument)
	jobs[0].Tiles = 2
	_, err = tenant.Submit(background, jobs)
	wants(t, err, rota.ErrInvalidTiles)
}

func TestTicketsCanBeCancelledAndAskedFor(t *testing.T) {
	checkLeaks(t)
	tenant := newTenant(t, shared)
	jobs := repeat(busy(t, tenant), 5)
	batch, err := tenant.Submit(background, jobs)
	ok(t, err)
	tickets := batch.Tickets()
	state, err := tenant.State(tickets[4])
	ok(t, err)
	if state != rota.TicketOpen {
		t.Fatalf("the state is %d", state)
	}
	ok(t, tenant.Cancel(tickets[4]))
	done, err := batch.Wait(background)
	wants(t, err, rota.CompletionCancelled)
	if done[3].Status != rota.CompletionOK || done[4].Status != rota.CompletionCancelled {
		t.Fatalf("%+v", done)
	}
	state, err = tenant.State(tickets[4])
	ok(t, err)
	if state != rota.TicketTaken {
		t.Fatalf("the state is %d", state)
	}
	wants(t, tenant.Cancel(tickets[4]), rota.ErrInvalidTicket)
	_, err = tenant.State(1 << 60)
	wants(t, err, rota.ErrInvalidTicket)
}

func TestAfterOKIsSkippedBehindAFault(t *testing.T) {
	tenant := newTenant(t, shared)
	bad := rota.Job{Op: rota.OpFill, Args: [10]uint32{12345, 0, 1, 1}}
	chained := nop(1, 1)
	chained.Flags = rota.JobAfterOK
	batch, err := tenant.Submit(background, []rota.Job{nop(1, 1), bad, chained, nop(2, 2)})
	ok(t, err)
	done, err := batch.Wait(background)
	wants(t, err, rota.FaultInvalidBuffer)
	for i, want := range []rota.CompletionStatus{
		rota.CompletionOK, rota.CompletionFaulted, rota.CompletionSkipped, rota.CompletionOK} {
		if done[i].Status != want {
			t.Fatalf("completion %d is %v", i, done[i].Status)
		}
	}
	wants(t, done[2].Err(), rota.CompletionSkipped)
}

func TestSubmitIntoAllocatesNothing(t *testing.T) {
	tenant := newTenant(t, shared)
	jobs := repeat(nop(1, 2), 16)
	var batch rota.Batch
	each := leastAllocations(func() {
		ok(t, tenant.SubmitInto(background, &batch, jobs))
		completed(t, tenant, &batch) // what takes long is waited for with a channel
		_, err := batch.Wait(background)
		ok(t, err)
	})
	if each > 0 {
		t.Fatalf("%v allocations per batch", each)
	}
}

func TestZeroAndNilBatchesHaveNoJobs(t *testing.T) {
	var batch rota.Batch
	done, err := batch.Wait(background)
	if len(done) != 0 || err != nil || batch.Len() != 0 {
		t.Fatalf("%v, %v", done, err)
	}
	<-batch.Done()
	var none *rota.Batch
	_, err = none.Wait(background)
	wants(t, err, rota.ErrNullPointer)
	wants(t, none.Cancel(), rota.ErrNullPointer)
	if none.Len() != 0 || none.Tickets() != nil {
		t.Fatal("a nil batch has jobs")
	}
	<-none.Done()
	wants(t, newTenant(t, shared).SubmitInto(background, nil, repeat(nop(1, 1), 1)), rota.ErrNullPointer)
}

func TestJobsThatNobodyWaitsForUseNoProcessor(t *testing.T) {
	checkLeaks(t) // so there is no goroutine that could
	tenant := newTenant(t, shared)
	_, err := tenant.Submit(background, repeat(nop(1, 1), 100))
	ok(t, err)
	_, err = tenant.Do(background, nop(1, 1))
	ok(t, err)
}
