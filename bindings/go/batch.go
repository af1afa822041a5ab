// Batches: jobs that were submitted together, and their completions. A call of Do is a batch of one.

package rota

// #include "shim.h"
//
// #cgo noescape rota_go_submit
// #cgo nocallback rota_go_submit
import "C"

import (
	"context"
	"runtime"
	"runtime/pprof"
	"sync"
	"unsafe"
)

// Batch is jobs that were submitted together, and the future of their completions. The zero value
// is for SubmitInto and TrySubmit, which keep its memory. Several goroutines may wait for it; only
// one may submit into it, when it is done.
type Batch struct {
	tenant  *Tenant
	jobs    []Job // as the library gets them: with place and index as user data
	tickets []Ticket
	done    []Completion   // before the completion is there: with the job's own user data
	traces  []TraceContext // of the jobs; empty where they have none, and for Do's
	trace   TraceContext   // of Do's job, where the runtime makes spans

	// The rest is guarded by the tenant's mutex.
	place     uint32
	open      int           // jobs that are not done; one more while they are being submitted
	err       error         // why jobs never complete
	signal    chan struct{} // closed when all is done; nil unless somebody asked
	watched   bool          // somebody waits for the signal
	parked    bool          // Do waits for wake
	cancelled bool          // Do's context has ended
	wake      chan struct{} // Do's, with room for one
}

// place and index of a job share the 64 bits of user data.
const indexBits = 32

// prepare takes the jobs over. It does not touch what the mutex guards.
func (b *Batch) prepare(t *Tenant, n int) {
	b.tenant = t
	b.traces = b.traces[:0]
	if cap(b.jobs) < n {
		b.jobs, b.tickets, b.done = make([]Job, n), make([]Ticket, n), make([]Completion, n)
	}
	b.jobs, b.tickets, b.done = b.jobs[:n], b.tickets[:n], b.done[:n]
}

// set puts a job in place. The tenant's mutex is held: the batch has its place.
func (b *Batch) set(i int, job *Job) {
	to := &b.jobs[i]
	*to = *job
	to.UserData = uint64(b.place)<<indexBits | uint64(i)
	if to.Tiles == 0 {
		to.Tiles = 1
	}
	b.done[i].UserData = job.UserData
	b.done[i].Status = 0
	b.tickets[i] = 0
}

// Submit submits jobs in their order, in one call of the library, and waits for room where the ring
// is full; a quota it doesn't wait for. The jobs are copied; they belong to the trace that is in ctx, if
// there is one. Where it fails, the jobs before the refused one, or those that had room when the context
// ended, are in the batch, which is nil if there are none.
//
// Errors: ErrInvalidArgument (no jobs, flags, fuel), ErrInvalidOpcode, ErrInvalidTiles, *QuotaError (slots,
// fuel), ErrWrongState after Drain or Revoke, ErrClosed, ErrStopped, ErrDeviceLost, and the context's.
func (t *Tenant) Submit(ctx context.Context, jobs []Job) (*Batch, error) {
	return newBatch(func(b *Batch) error { return t.SubmitInto(ctx, b, jobs) })
}

// newBatch makes a batch for the jobs that were accepted, if any.
func newBatch(submit func(*Batch) error) (*Batch, error) {
	b := new(Batch)
	err := submit(b)
	if err != nil && b.Len() == 0 {
		b = nil
	}
	return b, err
}

// SubmitInto is Submit with a batch of the caller's, whose memory is used again: nothing is
// allocated where it suffices and the ring has room. The batch must be done (Wait has returned its completions); else
// ErrWrongState. Len tells how many jobs were accepted.
func (t *Tenant) SubmitInto(ctx context.Context, b *Batch, jobs []Job) error {
	return t.submitInto(ctx, b, jobs, nil, true)
}

// TrySubmit is SubmitInto without waiting for room: it submits what has room, and gives
// ErrWouldBlock where that isn't all. Len tells how many jobs were accepted.
func (t *Tenant) TrySubmit(b *Batch, jobs []Job) error {
	return t.submitInto(context.Background(), b, jobs, nil, false)
}

// submitInto gives the jobs these traces, or without them the one in the context.
func (t *Tenant) submitInto(ctx context.Context, b *Batch, jobs []Job, traces []TraceContext, wait bool) error {
	if t == nil {
		return errNilTenant
	}
	if b == nil {
		return errNilBatch
	}
	var trace TraceContext
	if t.traces && traces == nil {
		trace = traceOf(ctx)
	}
	if err := b.begin(t, jobs); err != nil {
		return err
	}
	if t.traces {
		b.traces = append(b.traces, traces...)
	}
	if trace.IsValid() {
		for range jobs {
			b.traces = append(b.traces, trace)
		}
	}
	err := ctx.Err()
	accepted := 0
	for err == nil {
		var k int
		k, err = t.submit(b, accepted)
		accepted += k
		if err == nil {
			break
		}
		// Completions that nobody has taken hold slots too: they are taken before a quota's word counts.
		isOfQuota := isOfSlots(err)
		if err == ErrWouldBlock || isOfQuota {
			k, err = t.submitForRoom(ctx, b, accepted, wait && !isOfQuota)
			accepted += k
			if err == nil && accepted == len(jobs) {
				break
			}
			if err == ErrWouldBlock && wait {
				err = nil
			}
		}
	}
	b.end(accepted)
	return err
}

func (b *Batch) begin(t *Tenant, jobs []Job) error {
	if b.tenant != nil {
		b.tenant.mu.Lock()
		open := b.open
		b.tenant.mu.Unlock()
		if open > 0 {
			return &Error{Status: ErrWrongState, Message: "the batch is not done"}
		}
	}
	b.prepare(t, len(jobs))
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed != nil {
		b.prepare(t, 0)
		return t.failed
	}
	b.err, b.signal, b.watched, b.cancelled = nil, nil, false, false
	b.open = len(jobs) + 1
	t.register(b)
	for i := range jobs {
		b.set(i, &jobs[i])
	}
	return nil
}

// end says how many jobs there will be completions of.
func (b *Batch) end(accepted int) {
	t := b.tenant
	t.mu.Lock()
	defer t.mu.Unlock()
	refused := len(b.jobs) - accepted
	b.jobs, b.tickets, b.done = b.jobs[:accepted], b.tickets[:accepted], b.done[:accepted]
	if b.err != nil { // the tenant was closed meanwhile, and the batch is done already
		return
	}
	b.open -= 1 + refused
	if b.open == 0 {
		t.finish(b)
	}
}

// submit hands the jobs from `from` on to the library.
func (t *Tenant) submit(b *Batch, from int) (int, error) {
	var object *C.rota_error
	var accepted C.size_t
	jobs, tickets := b.jobs[from:], b.tickets[from:]
	var traces *C.rota_trace_context
	if len(b.traces) > 0 {
		traces = (*C.rota_trace_context)(unsafe.Pointer(&b.traces[from]))
	}
	status := C.rota_go_submit(t.handle, (*C.rota_job)(unsafe.Pointer(unsafe.SliceData(jobs))), traces,
		C.size_t(len(jobs)), (*C.rota_ticket)(unsafe.Pointer(unsafe.SliceData(tickets))), &accepted, &object)
	runtime.KeepAlive(t)
	return int(accepted), callError(status, object)
}

// Len is how many jobs were accepted.
func (b *Batch) Len() int {
	if b == nil {
		return 0
	}
	return len(b.done)
}

// Tickets are the tickets of the jobs, in their order. They are the batch's, and change when it is
// used again.
func (b *Batch) Tickets() []Ticket {
	if b == nil {
		return nil
	}
	return b.tickets
}

// Wait waits until all jobs are done. The completions are in the order of the jobs; they are the
// batch's, and change when it is used again. The error is that of the first job that did not end OK
// (a *JobError; the completions are all there), or ErrClosed or ErrPanic, where jobs never complete
// (a completion with status 0 is not there).
//
// The end of the context ends only the waiting, without completions: the jobs go on, and Wait may be
// called again. Cancel cancels them.
func (b *Batch) Wait(ctx context.Context) ([]Completion, error) {
	if b == nil {
		return nil, errNilBatch
	}
	if b.tenant == nil {
		return nil, nil
	}
	t := b.tenant
	t.mu.Lock()
	if b.open > 0 && ctx.Err() == nil && !t.active {
		t.active = true
		t.leadFor(b)
	}
	if b.open > 0 {
		signal := t.watch(b)
		t.mu.Unlock()
		select {
		case <-signal:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		t.mu.Lock()
	}
	err := b.err
	t.mu.Unlock()
	for i := 0; err == nil && i < len(b.done); i++ {
		err = b.done[i].Err()
	}
	return b.done, err
}

// Done is closed when all jobs are done. Wait then returns at once.
func (b *Batch) Done() <-chan struct{} {
	if b == nil || b.tenant == nil {
		closed := make(chan struct{})
		close(closed)
		return closed
	}
	t := b.tenant
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.watch(b)
}

// Cancel asks for the jobs not to run that have not run yet. All of them complete in any case.
// Errors: ErrClosed.
func (b *Batch) Cancel() error {
	if b == nil || b.tenant == nil {
		return errNilBatch
	}
	for _, ticket := range b.tickets {
		err := b.tenant.Cancel(ticket)
		if e, ok := err.(*Error); ok && e.Status != ErrInvalidTicket && e.Status != ErrStopped {
			return err
		}
	}
	return nil
}

// calls keeps the batches of Do.
var calls = sync.Pool{New: func() any {
	b := &Batch{wake: make(chan struct{}, 1)}
	b.prepare(nil, 1)
	return b
}}

// Do submits one job and waits for its completion. Calls of several goroutines are submitted
// together. Where the ring is full it waits for room. The job belongs to the trace that is in ctx, if
// there is one.
//
// The end of the context cancels the job, and Do waits for its completion, which a job that has
// begun gives when it ends. An error of the call itself (as of Submit) or of the context means that
// the job never ran. A job that was submitted and did not end OK gives its completion and a
// *JobError, in which errors.Is finds the context's error as well where that cancelled it.
func (t *Tenant) Do(ctx context.Context, job Job) (Completion, error) {
	if t == nil {
		return Completion{}, errNilTenant
	}
	if err := ctx.Err(); err != nil {
		return Completion{}, err
	}
	if t.profile {
		pprof.SetGoroutineLabels(t.labels)
		defer pprof.SetGoroutineLabels(ctx)
	}
	b := calls.Get().(*Batch)
	b.tenant = t
	if t.traces {
		b.trace = traceOf(ctx)
	}
	t.mu.Lock()
	if t.failed != nil {
		defer t.mu.Unlock()
		b.tenant = nil
		calls.Put(b)
		return Completion{}, t.failed
	}
	b.err, b.cancelled, b.open = nil, false, 1
	t.register(b)
	b.set(0, &job)
	t.inbox = append(t.inbox, b)
	if !t.active && !t.waitsForRoom() {
		t.active = true
		t.leadFor(b)
	}
	if b.open > 0 {
		b.parked = true
		t.watched++
		t.ensureLeader()
		t.mu.Unlock()
		b.await(ctx)
	} else {
		t.mu.Unlock()
	}

	done, err := b.done[0], b.err
	if err == nil && done.Status != CompletionOK {
		failure := done.Err().(*JobError)
		if done.Status == CompletionCancelled && b.cancelled {
			failure.Cause = ctx.Err()
		}
		err = failure
	} else if err != nil {
		done = Completion{}
		if err == errCancelledInTime {
			err = ctx.Err()
		}
	}
	b.tenant = nil
	calls.Put(b)
	return done, err
}

// await waits for the batch of a Do, whose job the end of the context cancels.
func (b *Batch) await(ctx context.Context) {
	cancelled := ctx.Done()
	if cancelled == nil {
		<-b.wake
		return
	}
	select {
	case <-b.wake:
	case <-cancelled:
		t := b.tenant
		t.mu.Lock()
		b.cancelled = true
		ticket := b.tickets[0]
		if ticket == 0 { // it may wait for room, and shall not go on with it
			t.lookAgain()
			t.ensureLeader()
		}
		t.mu.Unlock()
		if ticket != 0 {
			_ = t.Cancel(ticket) // it may be done by now
		}
		<-b.wake
	}
}
