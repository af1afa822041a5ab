// What Do promises: each caller its own completion, the end of a context, of a tenant, of a runtime.

package rota_test

import (
	"bytes"
	"context"
	"errors"
	"runtime/pprof"
	"sync"
	"testing"
	"time"

	rota "github.com/rota-compute/rota/bindings/go"
)

func TestDoGivesTheJobsOwnResultsAndUserData(t *testing.T) {
	checkLeaks(t)
	tenant := newTenant(t, shared)
	for i := range uint32(1000) {
		job := nop(i, i*7)
		job.UserData = uint64(i) << 33
		done, err := tenant.Do(background, job)
		ok(t, err)
		if done.Results != [2]uint32{i, i * 7} || done.UserData != job.UserData || done.Ticket == 0 {
			t.Fatalf("job %d gave %+v", i, done)
		}
	}
}

func TestManyGoroutinesEachGetTheirOwnResults(t *testing.T) {
	checkLeaks(t)
	for _, slots := range []uint32{16, 1024} { // far fewer than goroutines, and about as many
		tenant := newTenant(t, shared, rota.WithSlots(slots))
		var all sync.WaitGroup
		for g := range uint32(1000) {
			all.Add(1)
			go func() {
				defer all.Done()
				for i := range uint32(20) {
					done, err := tenant.Do(background, nop(g, i))
					if err != nil || done.Results != [2]uint32{g, i} {
						t.Errorf("goroutine %d, job %d: %+v, %v", g, i, done, err)
						return
					}
				}
			}()
		}
		all.Wait()
	}
}

func TestARefusedJobFailsAloneAmongThoseSubmittedWithIt(t *testing.T) {
	checkLeaks(t)
	tenant := newTenant(t, shared)
	var all sync.WaitGroup
	for g := range uint32(400) {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := range uint32(20) {
				job := nop(g, i)
				bad := (g+i)%5 == 0
				if bad {
					job.Op = 0x777
				}
				done, err := tenant.Do(background, job)
				if bad != errors.Is(err, rota.ErrInvalidOpcode) || !bad && done.Results != [2]uint32{g, i} {
					t.Errorf("goroutine %d, job %d: %+v, %v", g, i, done, err)
				}
			}
		}()
	}
	all.Wait()
}

func TestAFaultedJobGivesItsCompletionAndAJobError(t *testing.T) {
	tenant := newTenant(t, shared)
	buffer, err := rota.NewBuffer[uint32](tenant, 16, 0)
	ok(t, err)
	defer buffer.Close()
	done, err := tenant.Do(background, rota.Job{
		Op: rota.OpFill, UserData: 5, Args: [10]uint32{buffer.Name(), 10, 100, 1}})
	var failure *rota.JobError
	if !errors.As(err, &failure) {
		t.Fatalf("the error is %v", err)
	}
	want := rota.JobError{Ticket: done.Ticket, UserData: 5, Status: rota.CompletionFaulted, Fault: rota.FaultOutOfBounds}
	if *failure != want || done.Fault != rota.FaultOutOfBounds {
		t.Fatalf("%+v, %+v", failure, done)
	}
	wants(t, err, rota.CompletionFaulted)
	wants(t, err, rota.FaultOutOfBounds)
	wantsText(t, err, "ROTA_FAULT_OUT_OF_BOUNDS")
	if errors.Is(err, rota.FaultReadOnly) || errors.Is(err, rota.CompletionCancelled) {
		t.Fatal("the error is everything")
	}
}

func TestAContextThatHasEndedSubmitsNothing(t *testing.T) {
	tenant := newTenant(t, shared)
	first, err := tenant.Do(background, nop(1, 2))
	ok(t, err)
	ctx, cancel := context.WithCancel(background)
	cancel()
	_, err = tenant.Do(ctx, nop(1, 2))
	wants(t, err, context.Canceled)
	batch, err := tenant.Submit(ctx, repeat(nop(1, 2), 3))
	wants(t, err, context.Canceled)
	if batch != nil {
		t.Fatal("there is a batch")
	}
	after, err := tenant.Do(background, nop(1, 2))
	ok(t, err)
	if after.Ticket != first.Ticket+1 {
		t.Fatal("a job was submitted")
	}
}

func TestTheEndOfTheContextCancelsTheJobAndWaitsForIt(t *testing.T) {
	checkLeaks(t)
	tenant := newTenant(t, shared)
	job := busy(t, tenant)
	before, err := tenant.Submit(background, repeat(job, 10))
	ok(t, err)
	ctx, cancel := context.WithTimeoutCause(background, 20*time.Millisecond, errors.New("too slow"))
	defer cancel()
	done, err := tenant.Do(ctx, job)
	wants(t, err, rota.CompletionCancelled)
	wants(t, err, context.DeadlineExceeded)
	if done.Status != rota.CompletionCancelled || done.Ticket == 0 {
		t.Fatalf("%+v", done)
	}
	state, err := tenant.State(done.Ticket)
	ok(t, err)
	if state != rota.TicketTaken {
		t.Fatal("Do did not wait for the completion")
	}
	_, err = before.Wait(background)
	ok(t, err)
}

func TestACallThatWaitsForRoomEndsWithItsContext(t *testing.T) {
	checkLeaks(t)
	tenant := newTenant(t, shared, rota.WithSlots(16))
	job := busy(t, tenant)
	batch, err := tenant.Submit(background, repeat(job, 16))
	ok(t, err)
	for range 3 {
		ctx, cancel := context.WithTimeout(background, 5*time.Millisecond)
		_, err = tenant.Do(ctx, nop(1, 1))
		if !errors.Is(err, context.DeadlineExceeded) && err != nil {
			t.Fatal(err)
		}
		more, err := tenant.Submit(ctx, repeat(job, 40))
		wants(t, err, context.DeadlineExceeded)
		if more != nil {
			ok(t, more.Cancel())
		}
		cancel()
	}
	ok(t, batch.Cancel())
	_, _ = batch.Wait(background)
	_, err = tenant.Do(background, nop(1, 1))
	ok(t, err)
}

func TestCallsWaitForRoomAsLongAsItTakesAndLetGoOnesEnd(t *testing.T) {
	checkLeaks(t)
	tenant := hold(t, shared, 100)
	held, err := tenant.Submit(background, repeat(nop(1, 1), 64))
	ok(t, err)
	var waiting, cancelled sync.WaitGroup
	ctx, cancel := context.WithCancel(background)
	for g := range uint32(100) {
		if g%2 == 0 {
			waiting.Add(1)
			go func() {
				defer waiting.Done()
				done, err := tenant.Do(background, nop(g, 7))
				if err != nil || done.Results != [2]uint32{g, 7} {
					t.Errorf("call %d: %+v, %v", g, done, err)
				}
			}()
			continue
		}
		cancelled.Add(1)
		go func() {
			defer cancelled.Done()
			if _, err := tenant.Do(ctx, nop(g, 7)); !errors.Is(err, context.Canceled) {
				t.Errorf("call %d: %v", g, err)
			}
		}()
	}
	var batch rota.Batch
	for range 100 {
		wants(t, tenant.TrySubmit(&batch, repeat(nop(1, 1), 1)), rota.ErrWouldBlock)
		time.Sleep(100 * time.Microsecond)
	}
	cancel()
	cancelled.Wait() // nothing has completed that would make room
	ok(t, tenant.SetQuota(nil))
	waiting.Wait()
	_, err = held.Wait(background)
	ok(t, err)
}

func TestCloseEndsAllWaitingCallsWithErrClosed(t *testing.T) {
	checkLeaks(t)
	for _, closer := range []string{"tenant", "runtime"} {
		r := openRuntime(t)
		tenant := newTenant(t, r, rota.WithSlots(64))
		job := busy(t, tenant)
		// Closing a runtime stops it first.
		ended := func(err error) bool {
			return errors.Is(err, rota.ErrClosed) || closer == "runtime" &&
				(errors.Is(err, rota.ErrStopped) || errors.Is(err, rota.CompletionCancelled))
		}
		var all sync.WaitGroup
		for range 200 { // more than there are slots: some are not submitted yet
			all.Add(1)
			go func() {
				defer all.Done()
				for {
					if _, err := tenant.Do(background, job); err != nil {
						if !ended(err) {
							t.Errorf("Do: %v", err)
						}
						return
					}
				}
			}()
		}
		other := newTenant(t, r)
		long, err := other.Submit(background, repeat(busy(t, other), 900)) // seconds
		ok(t, err)
		all.Add(3)
		go func() {
			defer all.Done()
			var batch rota.Batch
			if err := tenant.SubmitInto(background, &batch, repeat(job, 300)); !ended(err) {
				t.Errorf("Submit: %v", err)
			}
			if _, err := batch.Wait(background); err != nil && !ended(err) { // it may be that none was open
				t.Errorf("Wait after Submit: %v", err)
			}
		}()
		go func() {
			defer all.Done()
			if _, err := long.Wait(background); !ended(err) {
				t.Errorf("Wait: %v", err)
			}
			<-long.Done()
		}()
		time.Sleep(30 * time.Millisecond)
		go func() {
			defer all.Done()
			if closer == "tenant" {
				if err := errors.Join(tenant.Close(), other.Close()); err != nil {
					t.Error(err)
				}
			} else if err := r.Close(); err != nil {
				t.Error(err)
			}
		}()
		all.Wait()
		_, err = tenant.Do(background, job)
		wants(t, err, rota.ErrClosed)
	}
}

func TestCloseWhileQuickCallsAreUnderWayNeverCrashes(t *testing.T) {
	checkLeaks(t)
	for range 100 {
		tenant := newTenant(t, shared, rota.WithSlots(32))
		buffer, err := rota.NewBuffer[uint32](tenant, 64, 0)
		ok(t, err)
		var all sync.WaitGroup
		for g := range uint32(8) {
			all.Add(1)
			go func() {
				defer all.Done()
				var err error
				var batch rota.Batch
				words := make([]uint32, 64)
				for err == nil {
					switch g % 4 {
					case 0, 1:
						_, err = tenant.Do(background, nop(g, g))
					case 2:
						if err = tenant.SubmitInto(background, &batch, repeat(nop(g, g), 50)); err == nil {
							_, err = batch.Wait(background)
						}
					case 3:
						if err = buffer.Write(0, words); err == nil {
							err = buffer.Read(0, words)
						}
					}
				}
				if !errors.Is(err, rota.ErrClosed) {
					t.Errorf("goroutine %d: %v", g, err)
				}
			}()
		}
		time.Sleep(time.Millisecond)
		ok(t, tenant.Close())
		all.Wait()
	}
}

func TestStopCancelsWhatIsOpenAndRefusesWhatComes(t *testing.T) {
	checkLeaks(t)
	r := openRuntime(t)
	tenant := newTenant(t, r)
	batch, err := tenant.Submit(background, repeat(busy(t, tenant), 50))
	ok(t, err)
	var all sync.WaitGroup
	for range 20 {
		all.Add(1)
		go func() {
			defer all.Done()
			var err error
			for err == nil {
				_, err = tenant.Do(background, nop(1, 1))
			}
			if !errors.Is(err, rota.ErrStopped) && !errors.Is(err, rota.CompletionCancelled) {
				t.Error(err)
			}
		}()
	}
	ok(t, r.Stop())
	ok(t, r.Stop())
	all.Wait()
	_, err = batch.Wait(background)
	wants(t, err, rota.CompletionCancelled)
	_, err = tenant.Do(background, nop(1, 1))
	wants(t, err, rota.ErrStopped)
	_, err = tenant.Submit(background, repeat(nop(1, 1), 5))
	wants(t, err, rota.ErrStopped)
	_, err = r.NewTenant()
	wants(t, err, rota.ErrStopped)
}

func TestProfiledCallsLeaveTheLabelsOfTheContext(t *testing.T) {
	tenant := newTenant(t, shared, rota.WithProfiledCalls(), rota.WithLabel("labelled"))
	job := busy(t, tenant)
	pprof.Do(background, pprof.Labels("mine", "kept"), func(ctx context.Context) {
		stop, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			// Again and again: a look may miss one call.
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := tenant.Do(ctx, job); err != nil {
					t.Error(err)
					return
				}
				if !labelIsOnSomeGoroutine(`"mine":"kept"`) {
					t.Error("the caller's label is gone")
				}
			}
		}()
		seen := false
		for begin := time.Now(); !seen && time.Since(begin) < time.Minute; {
			seen = labelIsOnSomeGoroutine(`"rota_tenant":"labelled"`)
		}
		close(stop)
		<-done
		if !seen {
			t.Error("no goroutine had the tenant's label")
		}
	})
}

func labelIsOnSomeGoroutine(label string) bool {
	var text bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&text, 1)
	return bytes.Contains(text.Bytes(), []byte(label))
}

// A call is over as soon as somebody has its completion, maybe before the leader hears that its job
// was accepted. What the leader notes then must not be another call's.
func TestCallsBesideTriesThatTakeTheirCompletions(t *testing.T) {
	checkLeaks(t)
	var all sync.WaitGroup
	for range 2 {
		tenant := newTenant(t, shared, rota.WithSlots(16))
		for g := range uint32(8) {
			all.Add(1)
			go func() {
				defer all.Done()
				for i := range uint32(1000) {
					done, err := tenant.Do(background, nop(g, i))
					if err != nil || done.Results != [2]uint32{g, i} {
						t.Errorf("goroutine %d, job %d: %+v, %v", g, i, done, err)
						return
					}
				}
			}()
		}
		for range 2 {
			all.Add(1)
			go func() {
				defer all.Done()
				var batch rota.Batch
				for range 1000 {
					err := tenant.TrySubmit(&batch, repeat(nop(1, 2), 16))
					if err != nil && !errors.Is(err, rota.ErrWouldBlock) {
						t.Error(err)
						return
					}
					if _, err := batch.Wait(background); err != nil {
						t.Error(err)
						return
					}
				}
			}()
		}
	}
	all.Wait()
}
