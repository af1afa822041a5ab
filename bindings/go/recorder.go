// The flight recorder of a runtime: how jobs are recorded, and how it is doing. Logs are read in
// recording.go and run again in replay.go; docs/recorder.md says what is in them.

package rota

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"context"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// Capture says what a recorder keeps of the data that the host writes into buffers.
type Capture uint32

// What is captured.
const (
	CaptureJobs    Capture = C.ROTA_CAPTURE_JOBS    // nothing
	CaptureDigests Capture = C.ROTA_CAPTURE_DIGESTS // the BLAKE3 hash
	CaptureFull    Capture = C.ROTA_CAPTURE_FULL    // the data too: the log can be run again by itself
)

// RecorderFlags are flags of a recorder.
type RecorderFlags uint32

// The flags of a recorder.
const (
	RecorderAllowGaps   RecorderFlags = C.ROTA_RECORDER_ALLOW_GAPS    // jobs go on unrecorded when the disk can't follow
	RecorderStopOnError RecorderFlags = C.ROTA_RECORDER_STOP_ON_ERROR // no job is accepted after an error of the disk
	RecorderStartOver   RecorderFlags = C.ROTA_RECORDER_START_OVER    // give up what a log holds that is there
)

// RecorderOptions says how the jobs of a runtime are recorded. All but the path has a default.
type RecorderOptions struct {
	Path          string        // the log: a file that is made, or a log that is there and goes on
	CapacityBytes uint64        // of a new log, 64 KiB to 1 TiB, with CaptureFull at least 4 MiB; 0: 256 MiB, about a million jobs
	Capture       Capture       // CaptureJobs, if it isn't said
	Flags         RecorderFlags // together
	ObjectBytes   uint64        // the most bytes of modules and captured data; 0: 1 GiB
	SyncInterval  time.Duration // how long after a record it is made durable; 0: 100 ms
	SyncRecords   uint64        // after how many records it is made durable at the latest; 0: only time counts
	StageDir      string        // a folder in memory where records wait for the disk; empty: /dev/shm
}

// WithRecorder records the runtime's jobs. Without it $ROTA_RECORD and $ROTA_CAPTURE say whether and
// how, as docs/recorder.md has it.
func WithRecorder(options RecorderOptions) Option {
	return func(s *settingsOfRuntime) { s.recorder = &options }
}

// cRecorder copies the options to C memory, which the function it gives frees; nil for none.
func cRecorder(options *RecorderOptions) (*C.rota_recorder_options, func()) {
	if options == nil {
		return nil, func() {}
	}
	c := (*C.rota_recorder_options)(C.calloc(1, C.sizeof_rota_recorder_options))
	*c = C.rota_go_recorder_options()
	c.path, c.path_len = cText(options.Path)
	c.capacity_bytes = C.uint64_t(options.CapacityBytes)
	c.capture = C.uint32_t(options.Capture)
	c.flags = C.uint32_t(options.Flags)
	c.object_bytes = C.uint64_t(options.ObjectBytes)
	c.sync_interval_ns = C.uint64_t(options.SyncInterval)
	c.sync_records = C.uint64_t(options.SyncRecords)
	c.stage_dir, c.stage_dir_len = cText(options.StageDir)
	return c, func() {
		C.free(unsafe.Pointer(c.path))
		C.free(unsafe.Pointer(c.stage_dir))
		C.free(unsafe.Pointer(c))
	}
}

// RecorderState is how a flight recorder is doing. Cells are what a log is made of, 128 bytes each: a job
// and a completion take one, other records one or more. They are numbered from 1 on, and the numbers go
// on from run to run. A number that ends a range is the first beyond it.
type RecorderState struct {
	CapacityBytes     uint64 // of the log
	CapacityCells     uint64 // of the log
	OldestSeq         uint64 // the lowest number that is in the log
	NextSeq           uint64 // all below are recorded, or about to be
	WrittenSeq        uint64 // all below are in the file
	DurableSeq        uint64 // all below survive a power cut
	Run               uint64 // how often the log was opened for recording
	Generation        uint32 // which log it is, of those that were in this file one after the other
	KeptCapacity      bool   // the log was there, and not with the capacity that the options ask for
	Existed           bool   // the log was there before
	Crashed           bool   // the run before did not close it
	Recovered         uint64 // cells of that run that were not in the file yet, and are now
	Voided            uint64 // cells of that run that were lost
	Stalls            uint64 // how often somebody had to wait for the disk
	StallTime         time.Duration
	Refused           uint64        // records that found no room, with RecorderAllowGaps
	Gaps              uint64        // records that tell of these
	Lost              uint64        // cells lost after an error of the disk
	Bytes             uint64        // of cells that went to the file in this run
	Syncs             uint64        // how often the file was made durable in this run
	Objects           uint64        // modules and captured data that are kept
	ObjectBytes       uint64        // their bytes
	LostObjects       uint64        // how many could not be kept
	Checkpoints       uint64        // from which a log can be run again whose beginning is overwritten
	FailedCheckpoints uint64        // that could not be taken
	Failed            bool          // an error of the disk has ended the recording
	OSError           syscall.Errno // which one; 0 if it had no number
	FailedSeq         uint64        // the first cell that may not be in the file because of it
}

// RecorderState tells how the flight recorder is doing. Errors: ErrWrongState (the runtime has no
// recorder), ErrClosed.
func (r *Runtime) RecorderState() (RecorderState, error) {
	if r == nil {
		return RecorderState{}, errNilRuntime
	}
	var object *C.rota_error
	state := C.rota_go_recorder_state()
	status := C.rota_recorder_get_state(r.handle, &state, &object)
	runtime.KeepAlive(r)
	if err := callError(status, object); err != nil {
		return RecorderState{}, err
	}
	return RecorderState{
		CapacityBytes:     uint64(state.capacity_bytes),
		CapacityCells:     uint64(state.capacity_cells),
		OldestSeq:         uint64(state.oldest_seq),
		NextSeq:           uint64(state.next_seq),
		WrittenSeq:        uint64(state.written_seq),
		DurableSeq:        uint64(state.durable_seq),
		Run:               uint64(state.run),
		Generation:        uint32(state.generation),
		KeptCapacity:      state.kept_capacity != 0,
		Existed:           state.existed != 0,
		Crashed:           state.crashed != 0,
		Recovered:         uint64(state.recovered),
		Voided:            uint64(state.voided),
		Stalls:            uint64(state.stalls),
		StallTime:         time.Duration(state.stall_ns),
		Refused:           uint64(state.refused),
		Gaps:              uint64(state.gaps),
		Lost:              uint64(state.lost),
		Bytes:             uint64(state.bytes),
		Syncs:             uint64(state.syncs),
		Objects:           uint64(state.objects),
		ObjectBytes:       uint64(state.object_bytes),
		LostObjects:       uint64(state.lost_objects),
		Checkpoints:       uint64(state.checkpoints),
		FailedCheckpoints: uint64(state.failed_checkpoints),
		Failed:            state.failed != 0,
		OSError:           syscall.Errno(state.os_error),
		FailedSeq:         uint64(state.failed_seq),
	}, nil
}

// RecorderPath is the path of the log, as it was given. Errors: as of RecorderState.
func (r *Runtime) RecorderPath() (string, error) {
	if r == nil {
		return "", errNilRuntime
	}
	var object *C.rota_error
	var needed C.size_t
	status := C.rota_recorder_get_path(r.handle, nil, 0, &needed, &object)
	if err := callError(status, object); err != nil {
		return "", err
	}
	text := make([]byte, needed)
	status = C.rota_recorder_get_path(r.handle, (*C.char)(unsafe.Pointer(unsafe.SliceData(text))), needed, &needed, &object)
	runtime.KeepAlive(r)
	if err := callError(status, object); err != nil {
		return "", err
	}
	return string(text[:len(text)-1]), nil
}

// RecorderSync returns when all that was recorded before the call is durable: it survives a power cut from
// then on. It gives the first number that may not. Errors: ErrWrongState (the runtime has no recorder),
// ErrIO (of the disk, now or earlier: the recording has ended), ErrClosed, and the context's.
func (r *Runtime) RecorderSync(ctx context.Context) (uint64, error) {
	if r == nil {
		return 0, errNilRuntime
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	before, err := r.RecorderState()
	if err != nil {
		return 0, err
	}
	var durable C.uint64_t
	err = until(ctx, func(timeout C.uint64_t) error {
		var object *C.rota_error
		err := callError(C.rota_recorder_sync(r.handle, timeout, &durable, &object), object)
		if err != ErrTimeout {
			return err
		}
		// Another call would be about more records: a slow disk, and jobs that go on, must not make it last.
		now, failed := r.RecorderState()
		if failed == nil && now.DurableSeq >= before.NextSeq {
			durable, err = C.uint64_t(now.DurableSeq), nil
		}
		return err
	})
	runtime.KeepAlive(r)
	return uint64(durable), err
}

// EvidenceClass says what a failure is about.
type EvidenceClass uint32

// The classes of evidence.
const (
	EvidenceDeviceLoss   EvidenceClass = C.ROTA_EVIDENCE_DEVICE_LOSS  // the device was lost
	EvidenceTransient    EvidenceClass = C.ROTA_EVIDENCE_TRANSIENT    // it may not happen again
	EvidenceProgramBug   EvidenceClass = C.ROTA_EVIDENCE_PROGRAM_BUG  // a bug in the program
	EvidenceUnclassified EvidenceClass = C.ROTA_EVIDENCE_UNCLASSIFIED // nobody knows yet
)

// String is the name in the C API, such as "ROTA_EVIDENCE_TRANSIENT", or "UNKNOWN".
func (c EvidenceClass) String() string {
	return C.GoString(C.rota_event_name(C.ROTA_RECORD_EVIDENCE, C.uint32_t(c)))
}

// Evidence is what a program itself knows of a failure.
type Evidence struct {
	Class  EvidenceClass
	Tenant *Tenant // nil: it is about the runtime
	Ticket Ticket  // 0: it is about no one job
	Code   int32   // what a driver or another library said
	Bytes  []byte  // anything else: the log keeps the first 16 KiB, the hash and the length
}

// RecorderNote adds evidence of a failure to the log. Errors: ErrInvalidArgument (the class, or a tenant
// of another runtime), ErrWrongState (the runtime has no recorder), ErrIO (it was not recorded),
// ErrClosed (the runtime or the tenant).
func (r *Runtime) RecorderNote(evidence Evidence) error {
	if r == nil {
		return errNilRuntime
	}
	tenant := evidence.Tenant.cHandle()
	if evidence.Tenant != nil && tenant == nil {
		return errNilTenant
	}
	var object *C.rota_error
	status := C.rota_recorder_note(r.handle, tenant, C.uint64_t(evidence.Ticket), C.uint32_t(evidence.Class),
		C.int32_t(evidence.Code), unsafe.Pointer(unsafe.SliceData(evidence.Bytes)), C.size_t(len(evidence.Bytes)), &object)
	runtime.KeepAlive(r)
	runtime.KeepAlive(evidence.Tenant)
	return callError(status, object)
}
