// The tenants of a runtime: their ids, what they have done, and which of them go together.

package rota

// #include "shim.h"
import "C"

import (
	"runtime"
	"time"
	"unsafe"
)

// ID is never 0, and never that of another tenant of the runtime, now or later. Errors: ErrClosed.
func (t *Tenant) ID() (uint64, error) {
	if t == nil {
		return 0, errNilTenant
	}
	var object *C.rota_error
	var id C.uint64_t
	status := C.rota_tenant_id(t.handle, &id, &object)
	runtime.KeepAlive(t)
	return uint64(id), callError(status, object)
}

// Tenants are the ids of all tenants, in rising order. Errors: ErrClosed.
func (r *Runtime) Tenants() ([]uint64, error) {
	if r == nil {
		return nil, errNilRuntime
	}
	ids, err := listed(func(to *C.uint64_t, room C.size_t, needed *C.size_t, object **C.rota_error) C.rota_status {
		return C.rota_runtime_tenants(r.handle, to, room, needed, object)
	}, 0)
	runtime.KeepAlive(r)
	return counts(ids), err
}

// FindTenant is the tenant with an id: the one that NewTenant gave. Errors: ErrClosed (the runtime, or no
// tenant has this id any more).
func (r *Runtime) FindTenant(id uint64) (*Tenant, error) {
	if r == nil {
		return nil, errNilRuntime
	}
	var object *C.rota_error
	var handle *C.rota_tenant
	status := C.rota_runtime_find_tenant(r.handle, C.uint64_t(id), &handle, &object)
	if err := callError(status, object); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.tenants[handle].Value(); t != nil {
		return t, nil
	}
	return nil, errClosed // since then, or by the garbage collector
}

// Counters are what a tenant has done since it was made, and what it has now. They are read one by one
// while work goes on.
type Counters struct {
	ID              uint64            // Tenant.ID
	Submitted       uint64            // jobs accepted
	Completed       uint64            // jobs completed, taken or not
	Taken           [8]uint64         // completions taken, by CompletionStatus
	Faulted         [16]uint64        // completions taken, by Fault; the last is for handlers' own codes
	Fuel            uint64            // loop iterations of its jobs, over all lanes and tiles
	Tiles           uint64            // of the tiled jobs accepted
	BytesIn         uint64            // that the host wrote into buffers
	BytesOut        uint64            // that the host read out of buffers
	Refused         [Resources]uint64 // how often a quota refused, by Resource
	Used            [Resources]uint64 // what is in use, by Resource; 0 for fuel
	Cap             [Resources]uint64 // what the tenant's quota allows, by Resource; of slots at most the ring's
	Outstanding     uint64            // jobs accepted whose completion, or one before it, was not taken
	Lag             uint64            // jobs accepted that have not completed
	Quiesces        uint64            // waits of Quiesce and Drain; one whose context can end counts once in 50 ms
	QuiesceTimeouts uint64            // those of them that ended without success
	QuiesceTime     time.Duration     // how long they took together
}

func countersOf(c *C.rota_tenant_counters) Counters {
	return Counters{
		ID:              uint64(c.id),
		Submitted:       uint64(c.submitted),
		Completed:       uint64(c.completed),
		Taken:           [8]uint64(counts(c.taken[:])),
		Faulted:         [16]uint64(counts(c.faulted[:])),
		Fuel:            uint64(c.fuel),
		Tiles:           uint64(c.tiles),
		BytesIn:         uint64(c.bytes_in),
		BytesOut:        uint64(c.bytes_out),
		Refused:         [Resources]uint64(counts(c.refused[:])),
		Used:            [Resources]uint64(counts(c.used[:])),
		Cap:             [Resources]uint64(counts(c.cap[:])),
		Outstanding:     uint64(c.outstanding),
		Lag:             uint64(c.lag),
		Quiesces:        uint64(c.quiesces),
		QuiesceTimeouts: uint64(c.quiesce_timeouts),
		QuiesceTime:     time.Duration(c.quiesce_ns),
	}
}

// counts are numbers of C as numbers of Go.
func counts(from []C.uint64_t) []uint64 {
	to := make([]uint64, len(from))
	for i, n := range from {
		to[i] = uint64(n)
	}
	return to
}

// listed asks for a list until there is room for all of it.
func listed[T any](ask func(to *T, room C.size_t, needed *C.size_t, object **C.rota_error) C.rota_status,
	empty T) ([]T, error) {
	var list []T
	for {
		var object *C.rota_error
		var needed C.size_t
		status := ask(unsafe.SliceData(list), C.size_t(len(list)), &needed, &object)
		if err := callError(status, object); err != nil {
			return nil, err
		}
		if int(needed) <= len(list) {
			return list[:needed], nil
		}
		list = make([]T, needed)
		for i := range list {
			list[i] = empty
		}
	}
}

// Counters tells what the tenant has done and has. Errors: ErrClosed.
func (t *Tenant) Counters() (Counters, error) {
	if t == nil {
		return Counters{}, errNilTenant
	}
	var object *C.rota_error
	c := C.rota_go_tenant_counters()
	status := C.rota_tenant_get_counters(t.handle, &c, &object)
	runtime.KeepAlive(t)
	if err := callError(status, object); err != nil {
		return Counters{}, err
	}
	return countersOf(&c), nil
}

// Counters tells it of all tenants, in the order of their ids. Errors: ErrClosed, ErrOutOfMemory.
func (r *Runtime) Counters() ([]Counters, error) {
	if r == nil {
		return nil, errNilRuntime
	}
	list, err := listed(func(to *C.rota_tenant_counters, room C.size_t, needed *C.size_t, object **C.rota_error) C.rota_status {
		return C.rota_runtime_get_counters(r.handle, to, room, needed, object)
	}, C.rota_go_tenant_counters())
	runtime.KeepAlive(r)
	if err != nil {
		return nil, err
	}
	all := make([]Counters, len(list))
	for i := range list {
		all[i] = countersOf(&list[i])
	}
	return all, nil
}

// Pick picks tenants that go together: of those with these ids as many as have no conflict with each
// other, so that none of the rest could be added. Who was not picked for longest comes first: in as many
// calls as there are ids, with the same ids each time, each is picked. It gives the indices of those
// picked, in rising order.
//
// conflict tells whether the tenants with ids[a] and ids[b] must not run beside each other; it is asked
// once for each pair. Nil: they all may.
//
// Errors: ErrClosed (the runtime, or an id that no tenant has), ErrInvalidArgument (an id is there twice).
func (r *Runtime) Pick(ids []uint64, conflict func(a, b int) bool) ([]int, error) {
	if r == nil {
		return nil, errNilRuntime
	}
	n := len(ids)
	conflicts := make([]uint8, n*n)
	for b := range n {
		for a := 0; a < b && conflict != nil; a++ {
			if conflict(a, b) {
				conflicts[a*n+b] = 1
			}
		}
	}
	indices := make([]uint32, n)
	var object *C.rota_error
	var count C.size_t
	status := C.rota_runtime_pick(r.handle, (*C.uint64_t)(unsafe.Pointer(unsafe.SliceData(ids))), C.size_t(n),
		(*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(conflicts))), C.size_t(len(conflicts)),
		(*C.uint32_t)(unsafe.Pointer(unsafe.SliceData(indices))), &count, &object)
	runtime.KeepAlive(r)
	if err := callError(status, object); err != nil {
		return nil, err
	}
	picked := make([]int, count)
	for i := range picked {
		picked[i] = int(indices[i])
	}
	return picked, nil
}
