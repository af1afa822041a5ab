// What can go wrong: a call (Status, Error) or a job (CompletionStatus, Fault, JobError). All of
// them are errors, so that errors.Is finds the reason and errors.As the details.

package rota

// #include "shim.h"
import "C"

import (
	"fmt"
)

// Status is what a call of the C API returned. It is an error itself, and what every Error unwraps
// to: errors.Is(err, rota.ErrNoDriver).
type Status int32

// The statuses. StatusOK is never returned as an error.
const (
	StatusOK             Status = C.ROTA_STATUS_OK
	ErrWouldBlock        Status = C.ROTA_STATUS_WOULD_BLOCK
	ErrTimeout           Status = C.ROTA_STATUS_TIMEOUT
	ErrInvalidArgument   Status = C.ROTA_STATUS_INVALID_ARGUMENT
	ErrNullPointer       Status = C.ROTA_STATUS_NULL_POINTER
	ErrInvalidStructSize Status = C.ROTA_STATUS_INVALID_STRUCT_SIZE
	ErrInvalidHandle     Status = C.ROTA_STATUS_INVALID_HANDLE
	ErrInvalidTicket     Status = C.ROTA_STATUS_INVALID_TICKET
	ErrInvalidOpcode     Status = C.ROTA_STATUS_INVALID_OPCODE
	ErrInvalidTiles      Status = C.ROTA_STATUS_INVALID_TILES
	ErrOutOfRange        Status = C.ROTA_STATUS_OUT_OF_RANGE
	ErrOutOfMemory       Status = C.ROTA_STATUS_OUT_OF_MEMORY
	ErrOutOfDeviceMemory Status = C.ROTA_STATUS_OUT_OF_DEVICE_MEMORY
	ErrOutOfRingMemory   Status = C.ROTA_STATUS_OUT_OF_RING_MEMORY
	ErrQuotaExceeded     Status = C.ROTA_STATUS_QUOTA_EXCEEDED
	ErrNoDriver          Status = C.ROTA_STATUS_NO_DRIVER
	ErrNoDevice          Status = C.ROTA_STATUS_NO_DEVICE
	ErrDeviceUnsupported Status = C.ROTA_STATUS_DEVICE_UNSUPPORTED
	ErrDeviceLost        Status = C.ROTA_STATUS_DEVICE_LOST
	ErrDriver            Status = C.ROTA_STATUS_DRIVER_ERROR
	ErrStopped           Status = C.ROTA_STATUS_STOPPED
	ErrUnsupported       Status = C.ROTA_STATUS_UNSUPPORTED
	ErrIO                Status = C.ROTA_STATUS_IO_ERROR
	ErrPanic             Status = C.ROTA_STATUS_PANIC
	ErrWrongState        Status = C.ROTA_STATUS_WRONG_STATE
	ErrInvalidModule     Status = C.ROTA_STATUS_INVALID_MODULE
	ErrOpcodeTaken       Status = C.ROTA_STATUS_OPCODE_TAKEN
	ErrKernelFull        Status = C.ROTA_STATUS_KERNEL_FULL
	ErrLogInUse          Status = C.ROTA_STATUS_LOG_IN_USE
	ErrNotALog           Status = C.ROTA_STATUS_NOT_A_LOG
	ErrLogDamaged        Status = C.ROTA_STATUS_LOG_DAMAGED
	ErrLogTooNew         Status = C.ROTA_STATUS_LOG_TOO_NEW
	ErrDataMissing       Status = C.ROTA_STATUS_DATA_MISSING
	ErrNotReplayable     Status = C.ROTA_STATUS_NOT_REPLAYABLE
)

// ErrClosed is what a call on a closed object gives. The C API calls that an invalid handle.
const ErrClosed = ErrInvalidHandle

// Error tells what the status means.
func (s Status) Error() string {
	return "rota: " + C.GoString(C.rota_status_text(C.int32_t(s)))
}

// Name is the name in the C API, such as "ROTA_STATUS_WOULD_BLOCK", or "UNKNOWN".
func (s Status) Name() string {
	return C.GoString(C.rota_status_name(C.int32_t(s)))
}

// Error is a call that failed. It belongs to nobody and may be kept.
type Error struct {
	Status    Status // the reason; what Unwrap returns
	Message   string // what happened and what to do about it, in one line; of a module's source, what a compiler would print
	VkResult  int32  // of the Vulkan call that failed; 0 if none did
	Retryable bool   // the same call may succeed later
}

// Error is the message.
func (e *Error) Error() string { return "rota: " + e.Message }

// Unwrap returns the status.
func (e *Error) Unwrap() error { return e.Status }

// CompletionStatus tells what became of a job.
type CompletionStatus uint32

// What becomes of jobs.
const (
	CompletionOK         CompletionStatus = C.ROTA_COMPLETION_OK
	CompletionFaulted    CompletionStatus = C.ROTA_COMPLETION_FAULTED
	CompletionSkipped    CompletionStatus = C.ROTA_COMPLETION_SKIPPED
	CompletionCancelled  CompletionStatus = C.ROTA_COMPLETION_CANCELLED
	CompletionRevoked    CompletionStatus = C.ROTA_COMPLETION_REVOKED
	CompletionDeviceLost CompletionStatus = C.ROTA_COMPLETION_DEVICE_LOST
)

// Error names the status, so that it can be asked for by errors.Is.
func (s CompletionStatus) Error() string { return s.String() }

// String is the name in the C API, such as "ROTA_COMPLETION_FAULTED", or "UNKNOWN".
func (s CompletionStatus) String() string {
	return C.GoString(C.rota_completion_status_name(C.uint32_t(s)))
}

// Fault tells why a job did not run to its end. From FaultHandler on it is the handler's own code.
type Fault uint32

// The faults.
const (
	FaultNone            Fault = C.ROTA_FAULT_NONE
	FaultUnknownOpcode   Fault = C.ROTA_FAULT_UNKNOWN_OPCODE
	FaultHandlerUnloaded Fault = C.ROTA_FAULT_HANDLER_UNLOADED
	FaultInvalidTiles    Fault = C.ROTA_FAULT_INVALID_TILES
	FaultInvalidBuffer   Fault = C.ROTA_FAULT_INVALID_BUFFER
	FaultForeignBuffer   Fault = C.ROTA_FAULT_FOREIGN_BUFFER
	FaultReadOnly        Fault = C.ROTA_FAULT_READ_ONLY
	FaultOutOfBounds     Fault = C.ROTA_FAULT_OUT_OF_BOUNDS
	FaultMisaligned      Fault = C.ROTA_FAULT_MISALIGNED
	FaultFuelExhausted   Fault = C.ROTA_FAULT_FUEL_EXHAUSTED
	FaultLoopCut         Fault = C.ROTA_FAULT_LOOP_CUT
	FaultInvalidData     Fault = C.ROTA_FAULT_INVALID_DATA
	FaultHandler         Fault = C.ROTA_FAULT_HANDLER
)

// Error tells what the fault means.
func (f Fault) Error() string { return "rota: " + C.GoString(C.rota_fault_text(C.uint32_t(f))) }

// Name is the name in the C API, such as "ROTA_FAULT_OUT_OF_BOUNDS", or "UNKNOWN".
func (f Fault) Name() string { return C.GoString(C.rota_fault_name(C.uint32_t(f))) }

// JobError is a job that did not end OK. errors.Is finds its status, its fault, and the error of the
// context that cancelled it.
type JobError struct {
	Ticket   Ticket
	UserData uint64
	Status   CompletionStatus
	Fault    Fault // FaultNone unless the status is CompletionFaulted
	Cause    error // the context's, where its end cancelled the job; else nil
}

// Error tells which job it was and what became of it.
func (e *JobError) Error() string {
	text := fmt.Sprintf("rota: job %d ended as %v", e.Ticket, e.Status)
	if e.Fault != FaultNone {
		text += ", " + e.Fault.Name() + ": " + C.GoString(C.rota_fault_text(C.uint32_t(e.Fault)))
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the status, the fault and the cause, as far as there are any; and ErrClosed for a job
// that was revoked: its tenant was revoked or closed, and accepts no more.
func (e *JobError) Unwrap() []error {
	reasons := []error{e.Status}
	if e.Status == CompletionRevoked {
		reasons = append(reasons, ErrClosed)
	}
	if e.Fault != FaultNone {
		reasons = append(reasons, e.Fault)
	}
	if e.Cause != nil {
		reasons = append(reasons, e.Cause)
	}
	return reasons
}

// VersionError is a library of another version than the header that the program was built with.
type VersionError struct {
	Header, Library uint32 // major << 16 | minor << 8 | patch
}

// Error names both versions.
func (e *VersionError) Error() string {
	text := func(v uint32) string { return fmt.Sprintf("%d.%d.%d", v>>16, v>>8&0xff, v&0xff) }
	return fmt.Sprintf("rota: the program was built with rota.h of version %s, and librota is version %s: "+
		"build it again, or install a library that fits", text(e.Header), text(e.Library))
}

var (
	errNilRuntime = &Error{Status: ErrNullPointer, Message: "the runtime is nil"}
	errNilTenant  = &Error{Status: ErrNullPointer, Message: "the tenant is nil"}
	errNilBuffer  = &Error{Status: ErrNullPointer, Message: "the buffer is nil"}
	errNilModule  = &Error{Status: ErrNullPointer, Message: "the module is nil"}
	errNilBatch   = &Error{Status: ErrNullPointer, Message: "the batch is nil"}
	errNilOutputs = &Error{Status: ErrNullPointer, Message: "the outputs are nil"}

	errNilRecording   = &Error{Status: ErrNullPointer, Message: "the recording is nil"}
	errNilReservation = &Error{Status: ErrNullPointer, Message: "the reservation is nil"}
	errNilSnapshot    = &Error{Status: ErrNullPointer, Message: "the snapshot is nil"}
	errNilProvider    = &Error{Status: ErrNullPointer, Message: "the provider is nil"}

	errTraces = &Error{Status: ErrInvalidArgument, Message: "there must be a trace context for each job"}

	errClosed = &Error{Status: ErrClosed, Message: "the tenant was closed"}
)

// callError makes a Go error of what a call returned, and frees the error object.
func callError(status C.rota_status, object *C.rota_error) error {
	if status == C.ROTA_STATUS_OK {
		return nil
	}
	if object == nil { // WOULD_BLOCK, TIMEOUT, or no memory for an object
		return Status(status)
	}
	e := &Error{
		Status:    Status(C.rota_error_status(object)),
		Message:   C.GoString(C.rota_error_message(object)),
		VkResult:  int32(C.rota_error_vk_result(object)),
		Retryable: C.rota_error_retryable(object) != 0,
	}
	defer C.rota_error_destroy(object)
	resource := C.rota_error_resource(object)
	if resource == C.ROTA_RESOURCE_NONE {
		return e
	}
	return &QuotaError{
		Resource:  Resource(resource),
		Requested: uint64(C.rota_error_requested(object)),
		Used:      uint64(C.rota_error_used(object)),
		Cap:       uint64(C.rota_error_cap(object)),
		OfRuntime: C.rota_error_of_runtime(object) != 0,
		Err:       e,
	}
}
