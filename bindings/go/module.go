// Modules: handlers of a tenant's own, and those that the runtime loads for several tenants.

package rota

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"context"
	"runtime"
	"time"
	"unsafe"
)

// FirstOpcode is the lowest opcode that a loaded handler can have.
const FirstOpcode Op = C.ROTA_FIRST_OPCODE

// Handler is one handler of a module.
type Handler struct {
	Opcode   Op     // what jobs name it by: FirstOpcode and up, in the tenant's window
	Function string // in the module's source, without parameters or result
	Tiled    bool   // a job has tiles, and all lanes of a worker run one; else one lane runs a job alone
	Fuel     uint32 // loop iterations a lane may run where the job doesn't say; 0: the tenant's default
}

// ModuleOptions is a module to load.
type ModuleOptions struct {
	Label    string // for people: messages about the source begin with it
	Source   string // WGSL; docs/handlers.md says what a handler can use
	Handlers []Handler
}

// ModuleReport is what loading a module took.
type ModuleReport struct {
	Version uint32        // 1 for a module just loaded; each replacement is one more
	Verify  time.Duration // parsing and verifying the source
	Compose time.Duration // composing the kernel with it
	Compile time.Duration // the driver's compiler, and a trial run beside the running kernel
	Switch  time.Duration // until no lease ran the old kernel any more
}

// Module is a loaded module. Any goroutine may use it, also while another one unloads it. It stays
// loaded until Unload, or the end of the tenant or runtime that it was loaded for; one that is
// forgotten stays loaded too, since jobs name its handlers by opcode.
type Module struct {
	tenant  *Tenant  // of a tenant's module
	runtime *Runtime // of the runtime's
	name    C.rota_module
}

// cModule copies the options to C memory, which the function it gives frees.
func cModule(options ModuleOptions) (C.rota_module_options, func()) {
	c := C.rota_go_module_options()
	c.label, c.label_len = cText(options.Label)
	c.source, c.source_len = cText(options.Source)
	free := []unsafe.Pointer{unsafe.Pointer(c.label), unsafe.Pointer(c.source)}
	if n := len(options.Handlers); n > 0 {
		c.handlers = (*C.rota_handler)(C.calloc(C.size_t(n), C.sizeof_rota_handler))
		c.handler_count = C.size_t(n)
		free = append(free, unsafe.Pointer(c.handlers))
		for i, to := range unsafe.Slice(c.handlers, n) {
			from := options.Handlers[i]
			to.opcode, to.kind, to.fuel = C.uint32_t(from.Opcode), C.ROTA_HANDLER_SCALAR, C.uint32_t(from.Fuel)
			if from.Tiled {
				to.kind = C.ROTA_HANDLER_TILED
			}
			to.function, to.function_len = cText(from.Function)
			free = append(free, unsafe.Pointer(to.function))
			unsafe.Slice(c.handlers, n)[i] = to
		}
	}
	return c, func() {
		for _, text := range free {
			C.free(text)
		}
	}
}

func reportOf(c C.rota_module_report) ModuleReport {
	return ModuleReport{
		Version: uint32(c.version),
		Verify:  time.Duration(c.verify_ns),
		Compose: time.Duration(c.compose_ns),
		Compile: time.Duration(c.compile_ns),
		Switch:  time.Duration(c.switch_ns),
	}
}

// LoadModule loads handlers of the tenant's own, while everything else goes on. Jobs can have their
// opcodes once it has returned.
//
// It takes as long as the driver's compiler, seconds on software drivers, and loads of all tenants
// wait for each other. For that time it holds an operating-system thread inside the library, where
// the context can't reach it: one that has ended before is an error at once, and where one ends
// meanwhile, the load runs to its end, the module is unloaded again, and the error is the context's.
//
// Errors: ErrInvalidModule, whose message is what a compiler would print; ErrInvalidArgument (no
// handler, more than 64, fuel above what the device can run), ErrInvalidOpcode (outside the tenant's
// window), ErrOpcodeTaken, *QuotaError, ErrKernelFull, ErrDriver, ErrOutOfMemory, ErrStopped, ErrClosed, and the
// context's.
func (t *Tenant) LoadModule(ctx context.Context, options ModuleOptions) (*Module, ModuleReport, error) {
	if t == nil {
		return nil, ModuleReport{}, errNilTenant
	}
	return loadModule(ctx, &Module{tenant: t}, options)
}

// LoadModule loads a module that no tenant owns. Tenants can call its handlers once it is granted to
// them. What is said of Tenant.LoadModule holds here too.
func (r *Runtime) LoadModule(ctx context.Context, options ModuleOptions) (*Module, ModuleReport, error) {
	if r == nil {
		return nil, ModuleReport{}, errNilRuntime
	}
	return loadModule(ctx, &Module{runtime: r}, options)
}

func loadModule(ctx context.Context, m *Module, options ModuleOptions) (*Module, ModuleReport, error) {
	if err := ctx.Err(); err != nil {
		return nil, ModuleReport{}, err
	}
	c, free := cModule(options)
	defer free()
	report := C.rota_go_module_report()
	var name C.rota_module
	var object *C.rota_error
	var status C.rota_status
	if m.runtime != nil {
		status = C.rota_runtime_module_load(m.runtime.handle, &c, &name, &report, &object)
	} else {
		status = C.rota_module_load(m.tenant.handle, &c, &name, &report, &object)
	}
	runtime.KeepAlive(m)
	if err := callError(status, object); err != nil {
		return nil, ModuleReport{}, err
	}
	m.name = name
	if err := ctx.Err(); err != nil {
		// Nobody was told of the opcodes: nothing is waited for.
		_ = m.unload(0)
		return nil, ModuleReport{}, err
	}
	return m, reportOf(report), nil
}

// Replace puts another version in the module's place: the same opcodes, each of the same kind. Jobs
// that have begun end with the old version, later ones run with the new one, and none with both;
// Completion.ModuleVersion of a job with JobTiming says which it was.
//
// It takes as long as a load. The context is looked at before it begins: a version that is in place
// stays there.
//
// Errors: as of LoadModule, but for ErrOpcodeTaken; ErrInvalidArgument also for other opcodes or
// kinds; ErrClosed when it was unloaded.
func (m *Module) Replace(ctx context.Context, options ModuleOptions) (ModuleReport, error) {
	if m == nil {
		return ModuleReport{}, errNilModule
	}
	if err := ctx.Err(); err != nil {
		return ModuleReport{}, err
	}
	c, free := cModule(options)
	defer free()
	report := C.rota_go_module_report()
	var object *C.rota_error
	var status C.rota_status
	if m.runtime != nil {
		status = C.rota_runtime_module_replace(m.runtime.handle, m.name, &c, &report, &object)
	} else {
		status = C.rota_module_replace(m.tenant.cHandle(), m.name, &c, &report, &object)
	}
	runtime.KeepAlive(m)
	if err := callError(status, object); err != nil {
		return ModuleReport{}, err
	}
	return reportOf(report), nil
}

// Grant lets a tenant call the handlers of a module that a runtime loaded, by the opcodes that they
// were loaded with; these must be free in the tenant's window. The grant ends with the module or the
// tenant.
//
// Errors: ErrInvalidArgument (a tenant's own module, a tenant of another runtime), ErrInvalidOpcode,
// ErrOpcodeTaken, ErrKernelFull, ErrClosed (the module, the runtime or the tenant), ErrStopped.
func (m *Module) Grant(t *Tenant) error {
	if m == nil {
		return errNilModule
	}
	if t == nil {
		return errNilTenant
	}
	if m.tenant != nil {
		return &Error{Status: ErrInvalidArgument,
			Message: "a tenant's own module can't be granted: load it by Runtime.LoadModule"}
	}
	if m.runtime == nil {
		return errNilRuntime
	}
	var object *C.rota_error
	status := C.rota_runtime_module_grant(m.runtime.handle, m.name, t.handle, &object)
	runtime.KeepAlive(m)
	runtime.KeepAlive(t)
	return callError(status, object)
}

// Unload unloads the module. Its opcodes are refused from now on. Jobs accepted before finish first;
// those that have not begun at the context's deadline, or at once if the context has ended already,
// end with FaultHandlerUnloaded. Without a deadline it waits for all of them: it is in the library by
// then, where the end of the context can't reach it.
//
// Errors: ErrClosed (the module, also for a second Unload, or what it was loaded for), ErrDeviceLost,
// ErrStopped.
func (m *Module) Unload(ctx context.Context) error {
	if m == nil {
		return errNilModule
	}
	timeout := foreverNS
	if deadline, is := ctx.Deadline(); is {
		timeout = uint64(max(time.Until(deadline), 0))
	}
	if ctx.Err() != nil {
		timeout = 0
	}
	return m.unload(timeout)
}

func (m *Module) unload(timeout uint64) error {
	var object *C.rota_error
	var status C.rota_status
	if m.runtime != nil {
		status = C.rota_runtime_module_unload(m.runtime.handle, m.name, C.uint64_t(timeout), &object)
	} else {
		status = C.rota_module_unload(m.tenant.cHandle(), m.name, C.uint64_t(timeout), &object)
	}
	runtime.KeepAlive(m)
	return callError(status, object)
}
