// Room in a full ring: who waits for it, and who makes some at once.

package rota

// #include "shim.h"
import "C"

import (
	"context"
	"time"
)

// submitForRoom submits the jobs from `from` on when completions have made room: those that are
// there already, and, if the caller wants to wait, those that come. It returns how many jobs it has
// submitted, and no error where there may be more room.
func (t *Tenant) submitForRoom(ctx context.Context, b *Batch, from int, wait bool) (int, error) {
	if !wait {
		t.takeForRoom(len(b.jobs) - from)
		return t.submit(b, from)
	}
	t.mu.Lock()
	if !t.active && t.failed == nil {
		t.active = true
		taken := t.exchange(C.ROTA_WAIT_SPIN, spin)
		t.leave()
		if taken > 0 {
			t.mu.Unlock()
			return 0, nil
		}
	}
	if t.room == nil {
		t.room = make(chan struct{})
	}
	room := t.room
	t.watched++
	t.ensureLeader()
	t.mu.Unlock()
	// Only completions that are taken from now on close the channel. What was taken before is seen
	// by another try.
	accepted, err := t.submit(b, from)
	if err == ErrWouldBlock {
		// A reservation that is released makes room too, and the end of the tenant is no completion.
		again := time.NewTimer(nap)
		defer again.Stop()
		select {
		case <-room:
			err = nil
		case <-again.C:
			err = nil
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	t.mu.Lock()
	t.watched--
	t.mu.Unlock()
	return accepted, err
}

// takeForRoom takes completions that are there, until as many as are wanted have made room. It doesn't
// ask who leads, who may be off its processor.
func (t *Tenant) takeForRoom(wanted int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for wanted > 0 {
		taken := t.takeBeside(C.ROTA_WAIT_SPIN, 0)
		t.ensureLeader() // the inbox may have waited for room
		if taken == 0 {
			break
		}
		wanted -= taken
	}
}
