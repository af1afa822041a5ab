// Who polls. A library call can serve all goroutines at once, so at any time at most one of them
// works for all: the leader. It submits what the calls of Do have put in the inbox and takes
// completions, in one library call per round, and wakes whom they belong to.
//
// A goroutine that finds no leader when it wants completions becomes the leader itself, for as long
// as a library call may spin: alone on its tenant it waits as a C program does, without a switch of
// goroutines. What takes longer, or concerns several, is left to a goroutine of the tenant, which is
// started when it is needed and ends when nobody waits. When nothing comes for a while it becomes the
// sleeper, which blocks in the library; a leader may then appear beside it. Calls for which the ring
// has no room are left in the inbox then: the sleeper has the completions that make room. So nothing
// runs for a tenant whose jobs nobody waits for, and a forgotten tenant can be collected.
//
// Whoever else needs room takes completions beside both: a leader may be off its processor.
//
// Functions here are called with the tenant's mutex held and return with it held, except `lead`.

package rota

// #include "shim.h"
import "C"

import (
	"runtime"
	"runtime/pprof"
	"sync"
	"time"
	"unsafe"
)

const (
	roundJobs = 256 // most jobs, and most completions, of one library call
	napJobs   = 64  // most completions of one library call of somebody else's

	spin  = 10 * time.Microsecond // of one library call: a call that lasts is taken off its processor
	brisk = 50 * time.Microsecond // without completions, until who leads gives up spinning
	nap   = 50 * time.Millisecond // of one blocking library call, then it is seen if anybody waits
)

// errCancelledInTime ends a Do whose context ended before its job was submitted.
var errCancelledInTime = &Error{Status: ErrWrongState, Message: "cancelled before it was submitted"}

// round is the leader's memory for one library call.
type round struct {
	batches []*Batch
	wakes   []*Batch
	ended   int               // batches that were done with it
	places  [roundJobs]uint32 // of the batches
	jobs    [roundJobs]Job
	traces  *[roundJobs]TraceContext // of the jobs; nil where the runtime makes no spans
	tickets [roundJobs]Ticket
	done    [roundJobs]Completion
}

// register gives the batch a place.
func (t *Tenant) register(b *Batch) {
	if n := len(t.free); n > 0 {
		b.place = t.free[n-1]
		t.free = t.free[:n-1]
		t.places[b.place] = b
		return
	}
	b.place = uint32(len(t.places))
	t.places = append(t.places, b)
}

// finish ends a batch that has a place. Its Do, if it is parked, is the caller's to wake.
func (t *Tenant) finish(b *Batch) {
	t.places[b.place] = nil
	t.free = append(t.free, b.place)
	b.open = 0
	if b.watched {
		b.watched = false
		t.watched--
	}
	if b.signal != nil {
		close(b.signal)
	}
	if b.parked {
		t.watched--
	}
}

// fail ends all batches: their jobs never complete, and no other will.
func (t *Tenant) fail(err error) {
	if t.failed == nil {
		t.failed = err
	}
	t.inbox = nil
	for _, b := range t.places {
		if b == nil {
			continue
		}
		b.err = t.failed
		t.finish(b)
		b.release()
	}
	t.giveRoom()
}

// release wakes the Do that is parked, if any.
func (b *Batch) release() {
	if b.parked {
		b.parked = false
		b.wake <- struct{}{}
	}
}

func (t *Tenant) giveRoom() {
	if t.room != nil {
		close(t.room)
		t.room = nil
	}
}

// watch makes sure that a batch's completions are taken, and tells when.
func (t *Tenant) watch(b *Batch) <-chan struct{} {
	if b.signal == nil {
		b.signal = make(chan struct{})
		if b.open == 0 {
			close(b.signal)
		}
	}
	if b.open > 0 && !b.watched {
		b.watched = true
		t.watched++
		t.ensureLeader()
	}
	return b.signal
}

// ensureLeader starts a goroutine where somebody waits and nobody polls.
func (t *Tenant) ensureLeader() {
	if t.active || t.failed != nil {
		return
	}
	if (len(t.inbox) > 0 && !t.waitsForRoom()) || (t.watched > 0 && !t.sleeping && !t.over) {
		t.active = true
		go t.lead()
	}
}

// waitsForRoom says that nothing can be submitted until completions come, which the sleeper takes.
func (t *Tenant) waitsForRoom() bool { return t.full && t.sleeping }

// lookAgain says that there may be room for the inbox, or less in it, than at the last look; also to a
// leader whose look is under way.
func (t *Tenant) lookAgain() {
	t.full = false
	t.changes++
}

// leave ends the caller's leading.
func (t *Tenant) leave() {
	t.active = false
	t.ensureLeader()
}

// leadFor leads until the batch is done, or it has taken too long to go on spinning.
func (t *Tenant) leadFor(b *Batch) {
	var since time.Time
	for b.open > 0 && t.failed == nil {
		if t.exchange(C.ROTA_WAIT_SPIN, spin) > 0 || b.open == 0 {
			continue
		}
		if since.IsZero() {
			since = time.Now().Add(-spin)
		} else if time.Since(since) > brisk {
			break
		}
	}
	t.leave()
}

// lead is the tenant's goroutine.
func (t *Tenant) lead() {
	pprof.SetGoroutineLabels(t.labels)
	t.mu.Lock()
	defer t.mu.Unlock()
	var idle time.Time // since when nothing has come; zero while it comes
	for t.failed == nil {
		taken := t.exchange(C.ROTA_WAIT_SPIN, 0)
		if taken > 0 {
			idle = time.Time{}
		} else if idle.IsZero() {
			idle = time.Now()
		}
		// Several that it woke will likely come back with more: their jobs go in one round. One alone
		// does better without it.
		if t.round.ended > 1 || len(t.inbox) > 0 || t.watched > 0 {
			t.mu.Unlock()
			runtime.Gosched()
			t.mu.Lock()
		}
		if len(t.inbox) == 0 && (t.watched == 0 || t.over) {
			break
		}
		if idle.IsZero() || time.Since(idle) < brisk {
			continue
		}
		if len(t.inbox) > 0 && !t.full { // it came after the last look
			continue
		}
		if t.sleeping {
			break
		}
		if !t.sleep() {
			return
		}
		idle = time.Time{}
	}
	t.active = false
	t.ensureLeader()
}

// sleep makes the leader the sleeper, until it leads again. It is false when somebody else leads by
// then.
func (t *Tenant) sleep() bool {
	t.active, t.sleeping = false, true
	for t.watched > 0 && t.failed == nil && !t.over {
		if t.takeBeside(C.ROTA_WAIT_BLOCK, nap) > 0 || len(t.inbox) > 0 {
			break
		}
	}
	t.sleeping = false
	if t.active {
		return false
	}
	t.active = true
	return true
}

// naps is memory for completions of those who don't lead.
var naps = sync.Pool{New: func() any { return new([napJobs]Completion) }}

// takeBeside takes completions without leading, maybe beside a leader. It returns how many.
func (t *Tenant) takeBeside(wait C.uint32_t, timeout time.Duration) int {
	t.mu.Unlock()
	done := naps.Get().(*[napJobs]Completion)
	got := C.rota_go_exchange(t.handle, nil, nil, 0, nil, (*C.rota_completion)(unsafe.Pointer(done)), napJobs,
		wait, C.uint64_t(timeout))
	t.mu.Lock()
	t.polled(&got, done[:], nil)
	naps.Put(done)
	return int(got.count)
}

// exchange is one round: it submits from the inbox and takes completions. It returns how many
// completions it has taken.
func (t *Tenant) exchange(wait C.uint32_t, timeout time.Duration) int {
	if t.round == nil {
		t.round = new(round)
		if t.traces {
			t.round.traces = new([roundJobs]TraceContext)
		}
	}
	r := t.round
	r.batches = r.batches[:0]
	r.wakes = r.wakes[:0]
	r.ended = 0
	t.gather(r)
	n, changes, handle := len(r.batches), t.changes, t.handle
	t.mu.Unlock()
	var jobs *C.rota_job
	traces := (*C.rota_trace_context)(unsafe.Pointer(r.traces))
	if n > 0 {
		jobs = (*C.rota_job)(unsafe.Pointer(&r.jobs))
	}
	got := C.rota_go_exchange(handle, jobs, traces, C.size_t(n), (*C.rota_ticket)(unsafe.Pointer(&r.tickets)),
		(*C.rota_completion)(unsafe.Pointer(&r.done)), roundJobs, wait, C.uint64_t(timeout))
	t.mu.Lock()
	if n > 0 {
		t.submitted(&got, r)
	}
	t.full = got.submitted == C.ROTA_STATUS_WOULD_BLOCK && t.changes == changes
	t.polled(&got, r.done[:], r)
	if len(r.wakes) > 0 {
		t.mu.Unlock()
		for i, b := range r.wakes {
			r.wakes[i] = nil
			b.wake <- struct{}{}
		}
		t.mu.Lock()
	}
	return int(got.count)
}

// gather copies the jobs at the front of the inbox. They stay there until they are submitted.
func (t *Tenant) gather(r *round) {
	kept := t.inbox[:0]
	for i, b := range t.inbox {
		if b.cancelled {
			b.err = errCancelledInTime
			t.finish(b)
			r.wakes = append(r.wakes, b)
			b.parked = false
			continue
		}
		if len(r.batches) == roundJobs {
			kept = append(kept, t.inbox[i:]...)
			break
		}
		kept = append(kept, b)
		r.places[len(r.batches)] = b.place
		r.jobs[len(r.batches)] = b.jobs[0]
		if r.traces != nil {
			r.traces[len(r.batches)] = b.trace
		}
		r.batches = append(r.batches, b)
	}
	clear(t.inbox[len(kept):])
	t.inbox = kept
}

// submitted notes the tickets of the jobs that were accepted, and ends the one that was refused.
func (t *Tenant) submitted(got *C.rota_go_exchanged, r *round) {
	accepted := int(got.accepted)
	err := callError(got.submitted, got.submit_error)
	if t.failed != nil { // all calls were ended meanwhile, and the inbox is gone
		return
	}
	gone := accepted
	for i, b := range r.batches[:accepted] {
		// Who polls beside the leader may have ended it already: then it can be another tenant's by now.
		if t.places[r.places[i]] != b {
			continue
		}
		b.tickets[0] = r.tickets[i]
		if b.cancelled {
			_ = t.Cancel(r.tickets[i])
		}
	}
	if err != nil && err != ErrWouldBlock {
		refused := r.batches[accepted]
		gone++
		refused.err = err
		t.finish(refused)
		if refused.parked {
			refused.parked = false
			r.wakes = append(r.wakes, refused)
		}
	}
	n := copy(t.inbox, t.inbox[gone:])
	clear(t.inbox[n:])
	t.inbox = t.inbox[:n]
}

// polled hands the completions to their batches. Without a round, parked calls are woken at once.
func (t *Tenant) polled(got *C.rota_go_exchanged, done []Completion, r *round) {
	for i := range done[:got.count] {
		c := &done[i]
		place, index := c.UserData>>indexBits, uint32(c.UserData)
		if place >= uint64(len(t.places)) || t.places[place] == nil {
			continue // the tenant was closed meanwhile
		}
		b := t.places[place]
		c.UserData = b.done[index].UserData
		b.done[index] = *c
		b.open--
		if b.open > 0 {
			continue
		}
		t.finish(b)
		if r == nil {
			b.release()
			continue
		}
		r.ended++
		if b.parked {
			b.parked = false
			r.wakes = append(r.wakes, b)
		}
	}
	if got.count > 0 {
		t.lookAgain()
		t.giveRoom()
	}
	switch got.polled {
	case C.ROTA_STATUS_OK, C.ROTA_STATUS_TIMEOUT:
	case C.ROTA_STATUS_STOPPED, C.ROTA_STATUS_DEVICE_LOST:
		_ = callError(got.polled, got.poll_error)
		t.over = true
		t.giveRoom()
	default:
		t.fail(callError(got.polled, got.poll_error))
	}
}
