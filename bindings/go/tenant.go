// The tenant: making and closing one, and what can be asked of a ticket. How jobs get to the library
// and completions back is in lead.go.

package rota

// #include <stdlib.h>
// #include "shim.h"
//
// #cgo noescape rota_cancel
// #cgo nocallback rota_cancel
// #cgo noescape rota_ticket_state
// #cgo nocallback rota_ticket_state
import "C"

import (
	"context"
	"runtime"
	"runtime/pprof"
	"sync"
	"unsafe"
	"weak"
)

type settingsOfTenant struct {
	label      string
	slots      uint32
	opcodes    uint32
	fuel       uint32
	weight     uint32
	class      Class
	share      uint32
	group      uint32
	quota      Quota
	pprofCalls bool
}

// TenantOption changes how a tenant is made.
type TenantOption func(*settingsOfTenant)

// WithLabel names the tenant for logs, tools and profiles.
func WithLabel(label string) TenantOption { return func(s *settingsOfTenant) { s.label = label } }

// WithSlots sets the slots of the ring, which is how many jobs can be open: a power of two.
func WithSlots(slots uint32) TenantOption { return func(s *settingsOfTenant) { s.slots = slots } }

// WithOpcodes sets how many opcodes the tenant has for handlers that it loads, from FirstOpcode on:
// 4,096 for 0, which is the default, and at most 65,536.
func WithOpcodes(opcodes uint32) TenantOption {
	return func(s *settingsOfTenant) { s.opcodes = opcodes }
}

// WithFuel sets the loop iterations a lane may run where neither job nor handler say: 8,000 for a
// scalar job and 3,000 for a tile, or what the device can run in one go, for 0, which is the default.
func WithFuel(iterations uint32) TenantOption {
	return func(s *settingsOfTenant) { s.fuel = iterations }
}

// WithWeight sets how much of the device the tenant gets where others want it too, relative to their
// weights: 1 to 10,000; 100 for 0, which is the default.
func WithWeight(weight uint32) TenantOption { return func(s *settingsOfTenant) { s.weight = weight } }

// WithClass sets the latency class; without it ClassNormal.
func WithClass(class Class) TenantOption { return func(s *settingsOfTenant) { s.class = class } }

// WithShare sets how many thousandths of the device's time the tenant may use, also where nobody else
// wants it: all for 0, which is the default.
func WithShare(permille uint32) TenantOption { return func(s *settingsOfTenant) { s.share = permille } }

// WithGroup puts the tenant into an exclusion group: tenants with the same number, at most the runtime's
// MaxTenants, never have jobs running at the same time. 0, which is the default, is no group.
func WithGroup(group uint32) TenantOption { return func(s *settingsOfTenant) { s.group = group } }

// WithQuota sets the most that the tenant may have; SetQuota changes it.
func WithQuota(quota Quota) TenantOption { return func(s *settingsOfTenant) { s.quota = quota } }

// WithProfiledCalls puts the pprof label rota_tenant on goroutines while they are in Do. Afterwards
// they have the labels of Do's context, as after pprof.Do: those that were set by other means are
// lost. The tenant's own goroutine has the label in any case.
func WithProfiledCalls() TenantOption { return func(s *settingsOfTenant) { s.pprofCalls = true } }

// Tenant is an isolated client of a runtime, with a ring and buffers of its own. Any goroutine may
// use it, also while another one closes it. Close it when it isn't needed any more; one that is
// forgotten is closed by the garbage collector.
type Tenant struct {
	handle  *C.rota_tenant
	runtime *Runtime // stays open as long as the tenant is in use
	cleanup runtime.Cleanup
	labels  context.Context // carries the pprof label
	profile bool            // Do puts the label on its caller
	traces  bool            // the runtime makes spans

	mu       sync.Mutex
	failed   error         // why no job can be submitted any more; nil while the tenant is open
	over     bool          // the runtime was stopped or lost, and has no more completions
	places   []*Batch      // open batches by place, which is what their jobs carry as user data
	free     []uint32      // places without a batch
	inbox    []*Batch      // calls of Do for the leader to submit
	watched  int           // what somebody waits for without leading: batches, Do, and room
	active   bool          // there is a leader
	sleeping bool          // there is a sleeper
	full     bool          // there was no room for the inbox, and nothing has changed since
	changes  uint64        // how often the inbox became worth another look
	room     chan struct{} // closed when completions are taken; nil unless somebody waits for room

	round *round // the leader's
}

// tenantID is what the clean-up of a forgotten tenant needs.
type tenantID struct {
	runtime *Runtime
	handle  *C.rota_tenant
}

// NewTenant makes a tenant. Errors: ErrClosed, ErrInvalidArgument, ErrOutOfRingMemory,
// ErrOutOfMemory, ErrStopped.
func (r *Runtime) NewTenant(options ...TenantOption) (*Tenant, error) {
	if r == nil {
		return nil, errNilRuntime
	}
	var s settingsOfTenant
	for _, option := range options {
		if option != nil {
			option(&s)
		}
	}
	c := C.rota_go_tenant_options()
	c.label, c.label_len = cText(s.label)
	defer C.free(unsafe.Pointer(c.label))
	c.slots = C.uint32_t(s.slots)
	c.opcodes = C.uint32_t(s.opcodes)
	c.fuel = C.uint32_t(s.fuel)
	c.weight = C.uint32_t(s.weight)
	c.latency_class = C.uint32_t(s.class)
	c.share_permille = C.uint32_t(s.share)
	c.group = C.uint32_t(s.group)
	quota, err := cQuota(s.quota)
	if err != nil {
		return nil, err
	}
	c.quota = quota
	defer C.free(unsafe.Pointer(quota))
	var object *C.rota_error
	var handle *C.rota_tenant
	r.mu.Lock() // whoever finds it by its id has to find it in the map
	defer r.mu.Unlock()
	status := C.rota_tenant_create(r.handle, &c, &handle, &object)
	runtime.KeepAlive(r)
	if err := callError(status, object); err != nil {
		return nil, err
	}
	t := &Tenant{
		handle:  handle,
		runtime: r,
		labels:  pprof.WithLabels(context.Background(), pprof.Labels("rota_tenant", s.label)),
		profile: s.pprofCalls,
		traces:  r.traces,
	}
	if r.tenants == nil {
		r.tenants = map[*C.rota_tenant]weak.Pointer[Tenant]{}
	}
	r.tenants[handle] = weak.Make(t)
	t.cleanup = runtime.AddCleanup(t, func(of tenantID) {
		go func() {
			C.rota_tenant_destroy(of.handle, nil)
			of.runtime.forget(of.handle)
		}()
	}, tenantID{r, handle})
	return t, nil
}

// forget takes a tenant off the list of those that can be found.
func (r *Runtime) forget(handle *C.rota_tenant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.tenants, handle)
}

// Close frees the tenant and its buffers. No job of it starts after Close has returned. Jobs that
// were open don't run: whoever waits for them gets ErrClosed, and so does every later call, a second
// Close included.
func (t *Tenant) Close() error {
	if t == nil || t.handle == nil {
		return errNilTenant
	}
	var object *C.rota_error
	status := C.rota_tenant_destroy(t.handle, &object)
	t.cleanup.Stop()
	t.runtime.forget(t.handle)
	t.mu.Lock()
	t.fail(errClosed)
	t.mu.Unlock()
	return callError(status, object)
}

// Cancel asks for a job not to run. It completes in any case: as CompletionCancelled, or, where it
// came too late, with what became of it. Errors: ErrInvalidTicket (also when its completion was
// taken), ErrClosed, ErrStopped.
func (t *Tenant) Cancel(ticket Ticket) error {
	if t == nil {
		return errNilTenant
	}
	var object *C.rota_error
	status := C.rota_cancel(t.handle, C.rota_ticket(ticket), &object)
	runtime.KeepAlive(t)
	return callError(status, object)
}

// State tells where a job is. Errors: ErrInvalidTicket when it was never given out, ErrClosed.
func (t *Tenant) State(ticket Ticket) (TicketState, error) {
	if t == nil {
		return 0, errNilTenant
	}
	var object *C.rota_error
	var state C.uint32_t
	status := C.rota_ticket_state(t.handle, C.rota_ticket(ticket), &state, &object)
	runtime.KeepAlive(t)
	return TicketState(state), callError(status, object)
}
