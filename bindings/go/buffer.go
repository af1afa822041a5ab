// Buffers: device memory of a tenant, seen as elements of a Go type.

package rota

// #include "shim.h"
import "C"

import (
	"fmt"
	"math"
	"runtime"
	"unsafe"
)

// Number is what a buffer can hold: numbers of a fixed size.
type Number interface {
	~int8 | ~uint8 | ~int16 | ~uint16 | ~int32 | ~uint32 | ~int64 | ~uint64 | ~float32 | ~float64
}

// BufferFlags are flags of a buffer.
type BufferFlags uint32

// BufferReadOnly makes a buffer that jobs may only read; Write and Fill work all the same.
const BufferReadOnly BufferFlags = C.ROTA_BUFFER_READ_ONLY

// Buffer is device memory of a tenant that holds n numbers. Any goroutine may use it, also while
// another one closes it; ranges that overlap are the callers' to order. Close it when it isn't
// needed any more, or close the tenant. One that is forgotten is closed by the garbage collector: a
// job holds only its name, so keep the buffer until its jobs are done.
type Buffer[T Number] struct {
	tenant  *Tenant
	name    C.rota_buffer
	length  int
	of      *Buffer[T] // what was granted, which stays open as long as the grant is in use; else nil
	cleanup runtime.Cleanup
}

// bufferID is what the clean-up of a forgotten buffer needs.
type bufferID struct {
	tenant *C.rota_tenant
	name   C.rota_buffer
}

// NewBuffer makes a buffer of n numbers, all of them 0. Errors: ErrInvalidArgument (n, flags),
// *QuotaError, ErrOutOfDeviceMemory, ErrOutOfMemory, ErrWrongState after Revoke, ErrClosed, ErrStopped,
// ErrDeviceLost.
func NewBuffer[T Number](t *Tenant, n int, flags BufferFlags) (*Buffer[T], error) {
	if t == nil {
		return nil, errNilTenant
	}
	size := int(unsafe.Sizeof(*new(T)))
	if n <= 0 || n > math.MaxInt/size {
		return nil, &Error{Status: ErrInvalidArgument, Message: fmt.Sprintf("a buffer of %d numbers", n)}
	}
	var object *C.rota_error
	b := &Buffer[T]{tenant: t, length: n}
	status := C.rota_buffer_create(t.handle, C.uint64_t(n*size), C.uint32_t(flags), &b.name, &object)
	if err := callError(status, object); err != nil {
		return nil, err
	}
	b.closeWhenForgotten()
	return b, nil
}

func (b *Buffer[T]) closeWhenForgotten() {
	b.cleanup = runtime.AddCleanup(b, func(id bufferID) {
		C.rota_buffer_destroy(id.tenant, id.name, nil)
	}, bufferID{b.tenant.handle, b.name})
}

// Grant lets another tenant of the runtime use the buffer, by a buffer of its own that this gives: its
// jobs, and Read, see what is in this one, and so they may write it, but for BufferReadOnly. It costs that
// tenant one buffer of its quota and no bytes, and can't be granted on. It ends by TakeBack, or when
// either buffer or either tenant is closed: jobs that use it then end with FaultInvalidBuffer.
//
// Errors: ErrInvalidArgument (flags, the same tenant or one of another runtime, or to write what jobs may
// only read), ErrWrongState (it is granted to that tenant already, was granted to this one, or one of them
// was revoked), *QuotaError, ErrOutOfDeviceMemory, ErrClosed.
func (b *Buffer[T]) Grant(to *Tenant, flags BufferFlags) (*Buffer[T], error) {
	if b == nil || b.tenant == nil {
		return nil, errNilBuffer
	}
	var object *C.rota_error
	granted := &Buffer[T]{tenant: to, length: b.length, of: b}
	status := C.rota_buffer_grant(b.tenant.handle, b.name, to.cHandle(), C.uint32_t(flags), &granted.name, &object)
	runtime.KeepAlive(b)
	if err := callError(status, object); err != nil {
		return nil, err
	}
	granted.closeWhenForgotten()
	return granted, nil
}

// TakeBack ends a grant. When it returns, neither jobs nor goroutines of the other tenant can reach the
// buffer any more: calls on what Grant gave get ErrClosed. It waits until the running leases have ended.
//
// Errors: ErrInvalidArgument (the same tenant, or one of another runtime), ErrWrongState (it isn't granted
// to that tenant), ErrClosed.
func (b *Buffer[T]) TakeBack(from *Tenant) error {
	if b == nil || b.tenant == nil {
		return errNilBuffer
	}
	var object *C.rota_error
	status := C.rota_buffer_take_back(b.tenant.handle, b.name, from.cHandle(), &object)
	runtime.KeepAlive(b)
	runtime.KeepAlive(from)
	return callError(status, object)
}

// Name is what a job's argument takes; 0 for nil. A job has nothing but this number: until it is done,
// keep the buffer from being forgotten, by a Close that comes later or by runtime.KeepAlive.
func (b *Buffer[T]) Name() uint32 {
	if b == nil {
		return 0
	}
	return uint32(b.name)
}

// Len is how many numbers the buffer holds.
func (b *Buffer[T]) Len() int {
	if b == nil {
		return 0
	}
	return b.length
}

// Size is the size in bytes, as the library knows it. Errors: ErrClosed.
func (b *Buffer[T]) Size() (uint64, error) {
	if b == nil {
		return 0, errNilBuffer
	}
	var object *C.rota_error
	var bytes C.uint64_t
	status := C.rota_buffer_size(b.tenant.cHandle(), b.name, &bytes, &object)
	runtime.KeepAlive(b)
	return uint64(bytes), callError(status, object)
}

// Write writes numbers from index `at` on. Jobs that are submitted after it has returned see them;
// jobs that are open may see any of them, old or new. Errors: ErrOutOfRange, *QuotaError (bytes that are
// being copied), ErrClosed, ErrDeviceLost.
func (b *Buffer[T]) Write(at int, data []T) error {
	offset, bytes, err := b.span(at, len(data))
	if err != nil {
		return err
	}
	var object *C.rota_error
	status := C.rota_buffer_write(b.tenant.cHandle(), b.name, offset, unsafe.Pointer(unsafe.SliceData(data)),
		C.size_t(bytes), &object)
	runtime.KeepAlive(b)
	return callError(status, object)
}

// Read reads numbers from index `at` on, as many as fit into data. It sees what all jobs wrote whose
// completions their batches have. Errors: as of Write.
func (b *Buffer[T]) Read(at int, data []T) error {
	offset, bytes, err := b.span(at, len(data))
	if err != nil {
		return err
	}
	var object *C.rota_error
	status := C.rota_buffer_read(b.tenant.cHandle(), b.name, offset, unsafe.Pointer(unsafe.SliceData(data)),
		C.size_t(bytes), &object)
	runtime.KeepAlive(b)
	return callError(status, object)
}

// Fill sets n numbers from index `at` on to a value, as Write does. It is quick where all bytes of
// the value are equal, as those of 0 are. Errors: as of Write.
func (b *Buffer[T]) Fill(at, n int, value T) error {
	offset, bytes, err := b.span(at, n)
	if err != nil {
		return err
	}
	pattern := unsafe.Slice((*byte)(unsafe.Pointer(&value)), unsafe.Sizeof(value))
	for _, other := range pattern {
		if other != pattern[0] {
			return b.fillByWrites(at, n, value)
		}
	}
	var object *C.rota_error
	status := C.rota_buffer_fill(b.tenant.cHandle(), b.name, offset, bytes, C.uint8_t(pattern[0]), &object)
	runtime.KeepAlive(b)
	return callError(status, object)
}

func (b *Buffer[T]) fillByWrites(at, n int, value T) error {
	block := make([]T, min(n, 8192))
	for i := range block {
		block[i] = value
	}
	for done := 0; done < n; done += len(block) {
		if err := b.Write(at+done, block[:min(len(block), n-done)]); err != nil {
			return err
		}
	}
	return nil
}

// Close frees the buffer. Its memory is used again when the jobs that were submitted before have
// completed; jobs that name it later end with FaultInvalidBuffer. A second Close gives ErrClosed.
func (b *Buffer[T]) Close() error {
	if b == nil || b.tenant == nil {
		return errNilBuffer
	}
	var object *C.rota_error
	status := C.rota_buffer_destroy(b.tenant.handle, b.name, &object)
	b.cleanup.Stop()
	runtime.KeepAlive(b)
	return callError(status, object)
}

// span turns indices into bytes; what lies outside the buffer is refused here, before it can
// overflow.
func (b *Buffer[T]) span(at, n int) (C.uint64_t, C.uint64_t, error) {
	if b == nil {
		return 0, 0, errNilBuffer
	}
	if at < 0 || n < 0 || at > b.length || n > b.length-at {
		return 0, 0, &Error{Status: ErrOutOfRange,
			Message: fmt.Sprintf("%d numbers at %d of a buffer of %d", n, at, b.length)}
	}
	size := C.uint64_t(unsafe.Sizeof(*new(T)))
	return C.uint64_t(at) * size, C.uint64_t(n) * size, nil
}

// cHandle is the handle, also of a nil tenant, which the library refuses by name.
func (t *Tenant) cHandle() *C.rota_tenant {
	if t == nil {
		return nil
	}
	return t.handle
}
