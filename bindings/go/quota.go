// Quotas: how much of each resource a tenant, or all tenants of a runtime together, may have.

package rota

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"
)

// Resource is something that a quota limits. It also indexes the arrays of Counters.
type Resource uint32

// The resources.
const (
	ResourceSlots         Resource = C.ROTA_RESOURCE_SLOTS           // of the ring: from a job's submit until its completion and all before it are taken
	ResourceStagingBytes  Resource = C.ROTA_RESOURCE_STAGING_BYTES   // that the host is copying to or from buffers
	ResourceBuffers       Resource = C.ROTA_RESOURCE_BUFFERS         // granted ones too: until the device is done with them
	ResourceBufferBytes   Resource = C.ROTA_RESOURCE_BUFFER_BYTES    // of the tenant's own buffers: as long
	ResourceModules       Resource = C.ROTA_RESOURCE_MODULES         // until they are unloaded
	ResourceFuelPerJob    Resource = C.ROTA_RESOURCE_FUEL_PER_JOB    // loop iterations that a lane of a job may run
	ResourceFuelPerSecond Resource = C.ROTA_RESOURCE_FUEL_PER_SECOND // of all jobs together; jobs beyond it wait
)

// Resources is how many resources there are.
const Resources = C.ROTA_RESOURCES

// Unlimited is the cap of a resource that isn't limited.
const Unlimited uint64 = C.ROTA_UNLIMITED

// Name is the name in the C API, such as "ROTA_RESOURCE_SLOTS", or "UNKNOWN".
func (r Resource) Name() string { return C.GoString(C.rota_resource_name(C.uint32_t(r))) }

// String is a short name, such as "buffer_bytes", or "unknown".
func (r Resource) String() string {
	switch r {
	case ResourceSlots:
		return "slots"
	case ResourceStagingBytes:
		return "staging_bytes"
	case ResourceBuffers:
		return "buffers"
	case ResourceBufferBytes:
		return "buffer_bytes"
	case ResourceModules:
		return "modules"
	case ResourceFuelPerJob:
		return "fuel_per_job"
	case ResourceFuelPerSecond:
		return "fuel_per_second"
	}
	return "unknown"
}

// Quota is the most of each resource. What it doesn't hold isn't limited, and nil limits nothing; 0 means
// none at all.
type Quota map[Resource]uint64

// cQuota copies the quota to C memory, which is the caller's to free; nil for one that limits nothing.
func cQuota(quota Quota) (*C.rota_quota, error) {
	if len(quota) == 0 {
		return nil, nil
	}
	c := C.rota_go_quota()
	for resource, most := range quota {
		var field *C.uint64_t
		switch resource {
		case ResourceSlots:
			field = &c.slots
		case ResourceStagingBytes:
			field = &c.staging_bytes
		case ResourceBuffers:
			field = &c.buffers
		case ResourceBufferBytes:
			field = &c.buffer_bytes
		case ResourceModules:
			field = &c.modules
		case ResourceFuelPerJob:
			field = &c.fuel_per_job
		case ResourceFuelPerSecond:
			field = &c.fuel_per_second
		default:
			return nil, &Error{Status: ErrInvalidArgument,
				Message: fmt.Sprintf("the quota has a resource %d, which there isn't", resource)}
		}
		*field = C.uint64_t(most)
	}
	to := (*C.rota_quota)(C.malloc(C.sizeof_rota_quota))
	*to = c
	return to, nil
}

// QuotaError is a call that a quota refused: errors.As finds it, and errors.Is finds ErrQuotaExceeded. It
// belongs to nobody and may be kept.
type QuotaError struct {
	Resource  Resource // what was asked for
	Requested uint64   // how much of it; 0 from SetQuota
	Used      uint64   // how much was in use
	Cap       uint64   // how much the quota allows
	OfRuntime bool     // it is the quota of all tenants together, and not the tenant's own
	Err       *Error   // the message, and whether the same call may succeed later; what Unwrap returns
}

// Error is the message, which has the numbers too.
func (e *QuotaError) Error() string { return e.Err.Error() }

// Unwrap returns the *Error, in which the status is.
func (e *QuotaError) Unwrap() error { return e.Err }

// isOfSlots tells whether slots were refused.
func isOfSlots(err error) bool {
	quota, is := err.(*QuotaError)
	return is && quota.Resource == ResourceSlots
}

// SetQuota changes how much the tenant may have; nil: no limit. If it is less than the tenant has of
// something, nothing changes. Errors: ErrInvalidArgument (a resource), ErrClosed; *QuotaError (below what
// is in use).
func (t *Tenant) SetQuota(quota Quota) error {
	if t == nil {
		return errNilTenant
	}
	c, err := cQuota(quota)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(c))
	var object *C.rota_error
	status := C.rota_tenant_set_quota(t.handle, c, &object)
	runtime.KeepAlive(t)
	return callError(status, object)
}

// Reservation is some of a tenant's quota that its holder has and nobody else gets. Any goroutine may use
// it. Release it when it isn't needed any more; one that is forgotten is released by the garbage
// collector.
type Reservation struct {
	handle   *C.rota_reservation
	resource Resource
	amount   uint64
	cleanup  runtime.Cleanup
}

// Reserve holds so much of a resource, which can't be fuel: of the tenant's quota, and of the runtime's.
// Errors: ErrInvalidArgument (the resource), *QuotaError, ErrOutOfMemory, ErrClosed.
func (t *Tenant) Reserve(resource Resource, amount uint64) (*Reservation, error) {
	if t == nil {
		return nil, errNilTenant
	}
	var object *C.rota_error
	var handle *C.rota_reservation
	status := C.rota_tenant_reserve(t.handle, C.uint32_t(resource), C.uint64_t(amount), &handle, &object)
	runtime.KeepAlive(t)
	if err := callError(status, object); err != nil {
		return nil, err
	}
	r := &Reservation{handle: handle, resource: resource, amount: amount}
	r.cleanup = runtime.AddCleanup(r, func(handle *C.rota_reservation) {
		C.rota_reservation_release(handle, nil)
	}, handle)
	return r, nil
}

// Resource is what is held.
func (r *Reservation) Resource() Resource {
	if r == nil {
		return 0
	}
	return r.resource
}

// Amount is how much was reserved.
func (r *Reservation) Amount() uint64 {
	if r == nil {
		return 0
	}
	return r.amount
}

// Release gives back what is held, also after the tenant's end. A second Release gives ErrClosed.
func (r *Reservation) Release() error {
	if r == nil || r.handle == nil {
		return errNilReservation
	}
	var object *C.rota_error
	status := C.rota_reservation_release(r.handle, &object)
	r.cleanup.Stop()
	runtime.KeepAlive(r)
	return callError(status, object)
}
