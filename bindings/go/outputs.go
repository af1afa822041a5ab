// Outputs: many ranges of buffers, read in one call into memory that is kept.

package rota

// #include "shim.h"
import "C"

import (
	"runtime"
	"sync"
	"unsafe"
)

// Range is a part of a buffer to read. Buffer.Range makes one.
type Range struct {
	Buffer   uint32 // its name
	reserved uint32
	Offset   uint64 // in bytes
	Len      uint64 // in bytes; may be 0
}

// It is laid out as in C.
var _ [unsafe.Sizeof(Range{})]byte = [C.sizeof_rota_read]byte{}

// Range is n numbers from index `at` on. What lies outside the buffer is told when it is read.
func (b *Buffer[T]) Range(at, n int) Range {
	size := uint64(unsafe.Sizeof(*new(T)))
	return Range{Buffer: b.Name(), Offset: uint64(at) * size, Len: uint64(n) * size}
}

// Outputs holds what Tenant.ReadInto has read, one entry per range. Used again with the same sizes
// nothing is allocated. It belongs to no tenant and no runtime. Any goroutine may use it; calls on
// one Outputs wait for each other. Close it, or leave it to the garbage collector.
type Outputs struct {
	mu      sync.Mutex
	handle  *C.rota_outputs
	cleanup runtime.Cleanup
}

// NewOutputs makes outputs that hold nothing yet. Errors: ErrOutOfMemory.
func NewOutputs() (*Outputs, error) {
	var object *C.rota_error
	var handle *C.rota_outputs
	status := C.rota_outputs_create(&handle, &object)
	if err := callError(status, object); err != nil {
		return nil, err
	}
	o := &Outputs{handle: handle}
	o.cleanup = runtime.AddCleanup(o, func(handle *C.rota_outputs) {
		C.rota_outputs_destroy(handle, nil)
	}, handle)
	return o, nil
}

// ReadInto reads ranges of this tenant's buffers; entry i of the outputs is ranges[i]. It sees what
// Buffer.Read sees. Errors: ErrInvalidArgument (no ranges), ErrOutOfRange, *QuotaError (bytes that are
// being copied), ErrClosed (tenant, outputs or a buffer), ErrOutOfMemory, ErrDeviceLost.
func (t *Tenant) ReadInto(o *Outputs, ranges []Range) error {
	if t == nil {
		return errNilTenant
	}
	if o == nil {
		return errNilOutputs
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var object *C.rota_error
	status := C.rota_buffers_read_into(t.handle, (*C.rota_read)(unsafe.Pointer(unsafe.SliceData(ranges))),
		C.size_t(len(ranges)), o.handle, &object)
	runtime.KeepAlive(t)
	return callError(status, object)
}

// View shows entry i to a function. The data is the outputs' and must not be kept: ReadInto and Close
// wait until the function has returned. The function must not call methods of the same Outputs.
// Errors: ErrOutOfRange, ErrClosed.
func (o *Outputs) View(i int, see func(data []byte)) error {
	if o == nil {
		return errNilOutputs
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var object *C.rota_error
	var data unsafe.Pointer
	var length C.size_t
	status := C.rota_outputs_get(o.handle, C.size_t(i), &data, &length, &object)
	if err := callError(status, object); err != nil {
		return err
	}
	if length == 0 {
		see(nil)
	} else {
		see(unsafe.Slice((*byte)(data), int(length)))
	}
	return nil
}

// Append appends a copy of entry i to a slice, as append does. Errors: as of View.
func (o *Outputs) Append(to []byte, i int) ([]byte, error) {
	err := o.View(i, func(data []byte) { to = append(to, data...) })
	return to, err
}

// OutputsStats tells what the last ReadInto did with the memory. An entry is reused if its
// allocation was large enough, moved if it got a larger one, appended if it was not there before.
type OutputsStats struct {
	SlotsTotal    uint64
	SlotsReused   uint64
	SlotsMoved    uint64
	SlotsAppended uint64
	BytesIncoming uint64 // read
	BytesCopied   uint64 // of these, into reused entries
	BytesMoved    uint64 // into moved ones
	BytesAppended uint64 // into appended ones
	BytesRetained uint64 // allocated for all entries, used or not
}

// Stats tells what the last ReadInto did. Errors: ErrClosed.
func (o *Outputs) Stats() (OutputsStats, error) {
	if o == nil {
		return OutputsStats{}, errNilOutputs
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var object *C.rota_error
	stats := C.rota_go_outputs_stats()
	status := C.rota_outputs_get_stats(o.handle, &stats, &object)
	if err := callError(status, object); err != nil {
		return OutputsStats{}, err
	}
	return OutputsStats{
		SlotsTotal:    uint64(stats.slots_total),
		SlotsReused:   uint64(stats.slots_reused),
		SlotsMoved:    uint64(stats.slots_moved),
		SlotsAppended: uint64(stats.slots_appended),
		BytesIncoming: uint64(stats.bytes_incoming),
		BytesCopied:   uint64(stats.bytes_copied),
		BytesMoved:    uint64(stats.bytes_moved),
		BytesAppended: uint64(stats.bytes_appended),
		BytesRetained: uint64(stats.bytes_retained),
	}, nil
}

// Close frees the outputs. Every later call gives ErrClosed, a second Close included.
func (o *Outputs) Close() error {
	if o == nil || o.handle == nil {
		return errNilOutputs
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var object *C.rota_error
	status := C.rota_outputs_destroy(o.handle, &object)
	o.cleanup.Stop()
	return callError(status, object)
}
