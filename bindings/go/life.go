// The life of a tenant: how much of the device it gets, and the ways to its end.

package rota

// #include "shim.h"
import "C"

import (
	"context"
	"runtime"
	"time"
)

// Class is the latency class of a tenant. Of the tenants that have a turn, those of a better class go
// first. It decides who waits, and not how much anybody gets: that is what weights are for.
type Class uint32

// The classes.
const (
	ClassNormal      Class = C.ROTA_CLASS_NORMAL
	ClassInteractive Class = C.ROTA_CLASS_INTERACTIVE // before all others
	ClassBackground  Class = C.ROTA_CLASS_BACKGROUND  // behind all others
)

// String is the class's name.
func (c Class) String() string {
	switch c {
	case ClassNormal:
		return "normal"
	case ClassInteractive:
		return "interactive"
	case ClassBackground:
		return "background"
	}
	return "unknown"
}

// TenantState is what a tenant is at. It only ever moves on.
type TenantState uint32

// The states.
const (
	TenantActive   TenantState = C.ROTA_TENANT_ACTIVE   // it accepts jobs
	TenantDraining TenantState = C.ROTA_TENANT_DRAINING // it was drained: it accepts no more jobs
	TenantRevoked  TenantState = C.ROTA_TENANT_REVOKED  // it was revoked: its jobs end
)

// String is the state's name.
func (s TenantState) String() string {
	switch s {
	case TenantActive:
		return "active"
	case TenantDraining:
		return "draining"
	case TenantRevoked:
		return "revoked"
	}
	return "unknown"
}

// TenantState tells what the tenant is at; State is for jobs. Errors: ErrClosed.
func (t *Tenant) TenantState() (TenantState, error) {
	if t == nil {
		return 0, errNilTenant
	}
	var object *C.rota_error
	var state C.uint32_t
	status := C.rota_tenant_state(t.handle, &state, &object)
	runtime.KeepAlive(t)
	return TenantState(state), callError(status, object)
}

// SetWeight changes how much of the device the tenant gets where others want it too: 1 to 10,000. It
// counts from the tenant's next turn on. Errors: ErrInvalidArgument (the weight), ErrClosed, ErrStopped.
func (t *Tenant) SetWeight(weight uint32) error {
	if t == nil {
		return errNilTenant
	}
	var object *C.rota_error
	status := C.rota_tenant_set_weight(t.handle, C.uint32_t(weight), &object)
	runtime.KeepAlive(t)
	return callError(status, object)
}

// SetShare changes how many thousandths of the device's time the tenant may use, also where nobody else
// wants it; 0 for all. Errors: ErrInvalidArgument (above 1,000), ErrClosed, ErrStopped.
func (t *Tenant) SetShare(permille uint32) error {
	if t == nil {
		return errNilTenant
	}
	var object *C.rota_error
	status := C.rota_tenant_set_share(t.handle, C.uint32_t(permille), &object)
	runtime.KeepAlive(t)
	return callError(status, object)
}

// Quiesce waits until every job that was submitted before has completed, whether anybody has its
// completion or not. Others can go on submitting. Errors: ErrClosed, and the context's.
func (t *Tenant) Quiesce(ctx context.Context) error {
	if t == nil {
		return errNilTenant
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return t.until(ctx, func(timeout C.uint64_t) error {
		var object *C.rota_error
		return callError(C.rota_tenant_quiesce(t.handle, timeout, &object), object)
	})
}

// Drain closes the tenant to new jobs, for good, and waits until those accepted before have completed:
// whoever submits gets ErrWrongState. Everything else goes on. It is closed also where the context has
// ended, and another call goes on waiting. Errors: ErrWrongState after Revoke, ErrClosed, and the
// context's.
func (t *Tenant) Drain(ctx context.Context) error {
	if t == nil {
		return errNilTenant
	}
	return t.until(ctx, func(timeout C.uint64_t) error {
		var object *C.rota_error
		return callError(C.rota_tenant_drain(t.handle, timeout, &object), object)
	})
}

// Revoke takes the device from the tenant: it accepts no more jobs, those that have not begun complete as
// CompletionRevoked, and those that run end soon. When it returns, no job of the tenant begins any more;
// to wait for those that still end, call Quiesce. Completions come, and buffers can be written and read,
// until the tenant is closed. It accepts no jobs also where the context has ended, and another call goes
// on waiting. Errors: ErrWrongState if it was revoked before, ErrClosed, ErrStopped, ErrDeviceLost, and
// the context's.
func (t *Tenant) Revoke(ctx context.Context) error {
	if t == nil {
		return errNilTenant
	}
	return t.until(ctx, func(timeout C.uint64_t) error {
		var object *C.rota_error
		return callError(C.rota_tenant_revoke(t.handle, timeout, &object), object)
	})
}

func (t *Tenant) until(ctx context.Context, call func(timeout C.uint64_t) error) error {
	err := until(ctx, call)
	runtime.KeepAlive(t)
	return err
}

// until calls until there is another answer than ErrTimeout, or the context has ended. A call in the
// library can't be cut short: where the context can end, it waits for a while only and is made again.
func until(ctx context.Context, call func(timeout C.uint64_t) error) error {
	deadline, hasDeadline := ctx.Deadline()
	for {
		timeout := C.uint64_t(foreverNS)
		switch {
		case ctx.Err() != nil:
			timeout = 0
		case hasDeadline:
			timeout = C.uint64_t(max(min(time.Until(deadline), nap), 0))
		case ctx.Done() != nil:
			timeout = C.uint64_t(nap)
		}
		err := call(timeout)
		if err != ErrTimeout {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if hasDeadline && !time.Now().Before(deadline) { // the context's own timer may be late
			return context.DeadlineExceeded
		}
	}
}
