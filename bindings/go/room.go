// Waiting for room in a full ring.

package rota

// #include "shim.h"
import "C"

import "context"

// submitForRoom submits the jobs from `from` on when completions have made room: those that are
// there already, and, if the caller wants to wait, those that come. It returns how many jobs it has
// submitted, and no error where there may be more room.
func (t *Tenant) submitForRoom(ctx context.Context, b *Batch, from int, wait bool) (int, error) {
	t.mu.Lock()
	if !wait {
		t.awaitRound()
	}
	if !t.active && t.failed == nil {
		t.active = true
		timeout := spin
		if !wait {
			timeout = 0
		}
		taken := t.exchange(C.ROTA_WAIT_SPIN, timeout)
		t.leave()
		if taken > 0 && wait {
			t.mu.Unlock()
			return 0, nil
		}
	}
	if !wait {
		t.mu.Unlock()
		return t.submit(b, from)
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
		select {
		case <-room:
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
