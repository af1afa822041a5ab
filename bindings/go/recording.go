// Recordings: the logs of flight recorders, read record by record.

package rota

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"encoding/hex"
	"iter"
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// RecordKind says which fields of a Record are set besides Seq, Cells, Mono and Wall. All others are 0.
type RecordKind uint32

// The kinds of records.
const (
	// RecordRunStart: a runtime was opened. Fields: library_version, device, driver, mode, capture, pid,
	// lanes, and its options.
	RecordRunStart RecordKind = C.ROTA_RECORD_RUN_START
	// RecordRunEnd: a runtime was closed, in order. Text: why; Fields: jobs, completions.
	RecordRunEnd RecordKind = C.ROTA_RECORD_RUN_END
	// RecordTenant: Event, Tenant; Text: its label; Fields: its options.
	RecordTenant RecordKind = C.ROTA_RECORD_TENANT
	// RecordModule: Event; Tenant, 0 for the runtime's; Module, Version; Text: its label; Hash: of its
	// source; Fields: its handlers.
	RecordModule RecordKind = C.ROTA_RECORD_MODULE
	// RecordBuffer: Event, Tenant, Buffer, Tail, Epoch; Offset, Length, Value, ReadOnly, OtherTenant,
	// OtherBuffer as the event says; Hash: of what was written, if it was captured.
	RecordBuffer RecordKind = C.ROTA_RECORD_BUFFER
	// RecordJob: a job was submitted. Tenant, Ticket, Epoch, Job.
	RecordJob RecordKind = C.ROTA_RECORD_JOB
	// RecordCompletion: a completion was taken. Tenant, Ticket, Completion.
	RecordCompletion RecordKind = C.ROTA_RECORD_COMPLETION
	// RecordEvidence: what RecorderNote was told. Event: an EvidenceClass; Tenant, Ticket, Code; Hash and
	// Length: of all of it; Data: its first bytes.
	RecordEvidence RecordKind = C.ROTA_RECORD_EVIDENCE
	// RecordGap: records are missing that nobody kept. Event; Lost: how many; Fields: first_ns and last_ns,
	// which are Mono of the first and the last of them.
	RecordGap RecordKind = C.ROTA_RECORD_GAP
	// RecordCheckpoint: a moment without an open job, from which the log can be run again. Epoch; Length: of
	// what buffers held; Hash: of the state; Fields: before, tenants, buffers.
	RecordCheckpoint RecordKind = C.ROTA_RECORD_CHECKPOINT
	// RecordNote: a line for people. Tenant, Text.
	RecordNote RecordKind = C.ROTA_RECORD_NOTE
	// RecordVoid: a cell without a record. Event.
	RecordVoid RecordKind = C.ROTA_RECORD_VOID
	// RecordMissing: cells that give no record, from Seq on. Event. Only with RecordingSalvage, but for
	// EventMissingOverwritten and EventMissingIncomplete.
	RecordMissing RecordKind = C.ROTA_RECORD_MISSING
	// RecordUnknown: a record of a kind that a later version has. Event: the number of the kind; Data: all
	// bytes of it.
	RecordUnknown RecordKind = C.ROTA_RECORD_UNKNOWN
)

// String is the name in the C API, such as "ROTA_RECORD_JOB", or "UNKNOWN".
func (k RecordKind) String() string { return C.GoString(C.rota_record_name(C.uint32_t(k))) }

// Event says what happened. Each kind of records has its own, and numbers that aren't here are of a later
// version.
type Event uint32

// The events.
const (
	EventTenantCreated   Event = C.ROTA_EVENT_TENANT_CREATED
	EventTenantChanged   Event = C.ROTA_EVENT_TENANT_CHANGED // its settings; this version doesn't record that
	EventTenantDraining  Event = C.ROTA_EVENT_TENANT_DRAINING
	EventTenantRevoked   Event = C.ROTA_EVENT_TENANT_REVOKED
	EventTenantDestroyed Event = C.ROTA_EVENT_TENANT_DESTROYED

	EventModuleLoaded   Event = C.ROTA_EVENT_MODULE_LOADED
	EventModuleReplaced Event = C.ROTA_EVENT_MODULE_REPLACED
	EventModuleUnloaded Event = C.ROTA_EVENT_MODULE_UNLOADED
	EventModuleGranted  Event = C.ROTA_EVENT_MODULE_GRANTED // to the tenant

	EventBufferCreated   Event = C.ROTA_EVENT_BUFFER_CREATED    // Length and ReadOnly
	EventBufferWritten   Event = C.ROTA_EVENT_BUFFER_WRITTEN    // Offset, Length, and the Hash of what is captured
	EventBufferFilled    Event = C.ROTA_EVENT_BUFFER_FILLED     // Offset, Length and Value
	EventBufferGranted   Event = C.ROTA_EVENT_BUFFER_GRANTED    // OtherTenant has it as OtherBuffer, ReadOnly or not
	EventBufferTakenBack Event = C.ROTA_EVENT_BUFFER_TAKEN_BACK // from OtherTenant
	EventBufferDestroyed Event = C.ROTA_EVENT_BUFFER_DESTROYED
	EventBufferMapped    Event = C.ROTA_EVENT_BUFFER_MAPPED // what the host writes there is not recorded
	EventBufferUnmapped  Event = C.ROTA_EVENT_BUFFER_UNMAPPED
	EventBufferImported  Event = C.ROTA_EVENT_BUFFER_IMPORTED // Length and ReadOnly; what it holds is not recorded

	EventGapFull  Event = C.ROTA_EVENT_GAP_FULL  // the disk could not follow: see RecorderAllowGaps
	EventGapCrash Event = C.ROTA_EVENT_GAP_CRASH // the same, in a run that did not close the log

	EventVoidDropped     Event = C.ROTA_EVENT_VOID_DROPPED     // reserved for a job that was refused
	EventVoidUncommitted Event = C.ROTA_EVENT_VOID_UNCOMMITTED // reserved, and not recorded when the process ended
	EventVoidLost        Event = C.ROTA_EVENT_VOID_LOST        // it did not reach the disk whole before a crash

	EventMissingHole        Event = C.ROTA_EVENT_MISSING_HOLE        // nothing was ever written there
	EventMissingTorn        Event = C.ROTA_EVENT_MISSING_TORN        // half written
	EventMissingCorrupt     Event = C.ROTA_EVENT_MISSING_CORRUPT     // it was on the disk, and has changed since
	EventMissingStale       Event = C.ROTA_EVENT_MISSING_STALE       // an older cell is in its place
	EventMissingOverwritten Event = C.ROTA_EVENT_MISSING_OVERWRITTEN // a newer cell is: the log is being written
	EventMissingIncomplete  Event = C.ROTA_EVENT_MISSING_INCOMPLETE  // other cells of the same record are not there
)

// Hash is a BLAKE3 hash.
type Hash [32]byte

// String is the hash in hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Field is a name and what it is set to.
type Field struct {
	Name, Value string
}

// Record is one record of a log. It belongs to nobody and may be kept.
type Record struct {
	Kind        RecordKind
	Event       Event         // what happened
	Seq         uint64        // the number of its first cell
	Cells       uint64        // how many it has
	Mono        time.Duration // when it was recorded: CLOCK_MONOTONIC, comparable within a boot of the machine
	Wall        time.Time     // the same, as the clock was then
	Tenant      uint64        // whose, as Tenant.ID; 0: the runtime's
	Ticket      Ticket        // which job it is about; 0 for none
	Epoch       uint64        // jobs that had ended by this epoch have ended before this began
	Tail        uint64        // how many jobs the tenant had submitted when this happened
	Job         Job           // as the library got it: UserData is this package's own number
	Completion  Completion    // with all epochs, and without UserData
	Buffer      uint32        // its name
	OtherBuffer uint32        // the name by which another tenant got it
	OtherTenant uint64        // the tenant that got it, or that it was taken back from
	Offset      uint64        // in bytes
	Length      uint64        // in bytes
	Value       byte          // that it was filled with
	ReadOnly    bool          // jobs may not write the buffer
	Module      uint32
	Version     uint32 // of the module
	Lost        uint64 // how many records are missing
	Code        int32  // of Evidence
	HasHash     bool   // Hash is one
	Hash        Hash   // of what Recording.Object gives, if it was kept
	Text        string
	Data        []byte
	Fields      []Field
}

// EventName is the name of the event in the C API, such as "ROTA_EVENT_BUFFER_WRITTEN"; "UNKNOWN" for a
// number that is no event of this kind of records.
func (r *Record) EventName() string {
	return C.GoString(C.rota_event_name(C.uint32_t(r.Kind), C.uint32_t(r.Event)))
}

// Field is the value of the first field with this name; empty if there is none.
func (r *Record) Field(name string) string {
	for _, field := range r.Fields {
		if field.Name == name {
			return field.Value
		}
	}
	return ""
}

// RecordingFlags are flags of a recording.
type RecordingFlags uint32

// RecordingSalvage tells what is missing or damaged as RecordMissing, and reads what is behind it. Without
// it that is ErrLogDamaged, and the end.
const RecordingSalvage RecordingFlags = C.ROTA_RECORDING_SALVAGE

// Recording is a log that is open for reading. Any goroutine may use it; calls on one Recording wait for
// each other. Close it, or leave it to the garbage collector.
type Recording struct {
	mu      sync.Mutex
	handle  *C.rota_recording
	cleanup runtime.Cleanup
}

// OpenRecording opens the log of a flight recorder for reading, at its oldest record. It changes nothing and
// needs no runtime. The log may be recorded into at the same time: what is recorded later is not read.
// Flags: RecordingSalvage or 0.
//
// Errors: ErrInvalidArgument; ErrIO (there is no such file, or it can't be read), ErrNotALog,
// ErrLogDamaged (it is empty, its header is damaged, or, unless it salvages, it is cut off),
// ErrLogTooNew, ErrOutOfMemory; *VersionError as of Open.
func OpenRecording(path string, flags RecordingFlags) (*Recording, error) {
	if err := checkVersion(headerVersion, uint32(C.rota_version())); err != nil {
		return nil, err
	}
	text, length := cText(path)
	defer C.free(unsafe.Pointer(text))
	var object *C.rota_error
	var handle *C.rota_recording
	status := C.rota_recording_open(text, length, C.uint32_t(flags), &handle, &object)
	if err := callError(status, object); err != nil {
		return nil, err
	}
	r := &Recording{handle: handle}
	r.cleanup = runtime.AddCleanup(r, func(handle *C.rota_recording) {
		C.rota_recording_destroy(handle, nil)
	}, handle)
	return r, nil
}

// Records gives record after record, from where the recording is to its end. A loop that is left goes on
// with the next Records; the end stays the end, until Seek. An error ends the loop: ErrLogDamaged (unless
// it salvages; Seek goes on behind the damage), ErrIO, ErrClosed.
func (r *Recording) Records() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for {
			record, more, err := r.read()
			if !more && err == nil || !yield(record, err) || err != nil {
				return
			}
		}
	}
}

// read gives the next record; false for the end.
func (r *Recording) read() (record Record, more bool, err error) {
	if r == nil || r.handle == nil {
		return record, false, errNilRecording
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	next := C.rota_go_next(r.handle)
	c := &next.record
	if err := callError(next.status, next.error); err != nil || c.kind == C.ROTA_RECORD_END {
		return record, false, err
	}
	record = recordOf(c)
	for i := range c.field_count {
		var object *C.rota_error
		var field C.rota_field
		status := C.rota_recording_get_field(r.handle, i, &field, &object)
		if err := callError(status, object); err != nil {
			return record, false, err
		}
		record.Fields = append(record.Fields, Field{
			Name:  C.GoStringN(field.name, C.int(field.name_len)),
			Value: C.GoStringN(field.value, C.int(field.value_len)),
		})
	}
	return record, true, nil
}

func recordOf(c *C.rota_record) Record {
	record := Record{
		Kind:        RecordKind(c.kind),
		Event:       Event(c.event),
		Seq:         uint64(c.seq),
		Cells:       uint64(c.cells),
		Mono:        time.Duration(c.mono_ns),
		Tenant:      uint64(c.tenant),
		Ticket:      Ticket(c.ticket),
		Epoch:       uint64(c.epoch),
		Tail:        uint64(c.tail),
		Job:         jobOf(&c.job),
		Completion:  completionOf(&c.completion),
		Buffer:      uint32(c.buffer),
		OtherBuffer: uint32(c.other_buffer),
		OtherTenant: uint64(c.other_tenant),
		Offset:      uint64(c.offset),
		Length:      uint64(c.length),
		Value:       byte(c.value),
		ReadOnly:    c.read_only != 0,
		Module:      uint32(c.module),
		Version:     uint32(c.version),
		Lost:        uint64(c.lost),
		Code:        int32(c.code),
		HasHash:     c.has_hash != 0,
		Hash:        *(*Hash)(unsafe.Pointer(&c.hash)),
	}
	if c.wall_ns != 0 {
		record.Wall = time.Unix(0, int64(c.wall_ns))
	}
	if c.text_len > 0 {
		record.Text = C.GoStringN(c.text, C.int(c.text_len))
	}
	if c.data_len > 0 {
		record.Data = C.GoBytes(c.data, C.int(c.data_len))
	}
	return record
}

// These two are laid out as in C: see job.go.
func jobOf(c *C.rota_job) Job                      { return *(*Job)(unsafe.Pointer(c)) }
func completionOf(c *C.rota_completion) Completion { return *(*Completion)(unsafe.Pointer(c)) }

// Seek goes on at the record with this number, or at the oldest one if it is older. Between the cells of a
// record it is RecordMissing, EventMissingIncomplete. Errors: ErrClosed.
func (r *Recording) Seek(seq uint64) error {
	if r == nil || r.handle == nil {
		return errNilRecording
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var object *C.rota_error
	status := C.rota_recording_seek(r.handle, C.uint64_t(seq), &object)
	return callError(status, object)
}

// Object gives what is kept beside the log under a hash, checked: what was written into a buffer with
// CaptureFull, and the sources of modules. Errors: ErrDataMissing, ErrLogDamaged (it is not what its hash
// says), ErrIO, ErrClosed.
func (r *Recording) Object(hash Hash) ([]byte, error) {
	if r == nil || r.handle == nil {
		return nil, errNilRecording
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var object *C.rota_error
	var data unsafe.Pointer
	var length C.size_t
	status := C.rota_recording_get_object(r.handle, (*C.uint8_t)(&hash[0]), &data, &length, &object)
	if err := callError(status, object); err != nil {
		return nil, err
	}
	if length == 0 {
		return []byte{}, nil
	}
	return append([]byte{}, unsafe.Slice((*byte)(data), int(length))...), nil
}

// RecordingInfo is what a log says of itself, and what was read of it so far. Cells are as in RecorderState.
type RecordingInfo struct {
	CapacityBytes uint64    // of the log, as its header says
	CapacityCells uint64    // of the log
	CutTo         uint64    // the bytes that are there, if it was cut off; 0 if it is whole
	Run           uint64    // how often it was opened for recording
	Created       time.Time // when it was made
	OldestSeq     uint64    // the lowest number that can be there
	NextSeq       uint64    // behind the highest that was there when the recording was opened
	DurableSeq    uint64    // all below were durable when the header was written
	Untold        uint64    // records that were refused for want of room, and that no RecordGap tells of
	Generation    uint32    // which log it is, of those that were in this file one after the other
	PID           uint32    // the process that records into it or did so last
	Clean         bool      // it was closed; else it is being recorded into, or a crash has ended the run
	Staged        bool      // there are records in memory that the disk has not got yet
	Records       uint64    // read so far
	Good          uint64    // good cells read so far
	VoidCells     uint64    // of these, without a record
	Incomplete    uint64    // cells read so far that are EventMissingIncomplete
	Holes         uint64    // EventMissingHole
	Torn          uint64    // EventMissingTorn
	Corrupt       uint64    // EventMissingCorrupt
	Stale         uint64    // EventMissingStale
	Overwritten   uint64    // EventMissingOverwritten
}

// Info tells what the log says of itself, and what was read of it so far. Errors: ErrClosed.
func (r *Recording) Info() (RecordingInfo, error) {
	if r == nil || r.handle == nil {
		return RecordingInfo{}, errNilRecording
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var object *C.rota_error
	info := C.rota_go_recording_info()
	status := C.rota_recording_get_info(r.handle, &info, &object)
	if err := callError(status, object); err != nil {
		return RecordingInfo{}, err
	}
	return RecordingInfo{
		CapacityBytes: uint64(info.capacity_bytes),
		CapacityCells: uint64(info.capacity_cells),
		CutTo:         uint64(info.cut_to),
		Run:           uint64(info.run),
		Created:       time.Unix(0, int64(info.created_ns)),
		OldestSeq:     uint64(info.oldest_seq),
		NextSeq:       uint64(info.next_seq),
		DurableSeq:    uint64(info.durable_seq),
		Untold:        uint64(info.untold),
		Generation:    uint32(info.generation),
		PID:           uint32(info.pid),
		Clean:         info.clean != 0,
		Staged:        info.staged != 0,
		Records:       uint64(info.records),
		Good:          uint64(info.good),
		VoidCells:     uint64(info.void_cells),
		Incomplete:    uint64(info.incomplete),
		Holes:         uint64(info.holes),
		Torn:          uint64(info.torn),
		Corrupt:       uint64(info.corrupt),
		Stale:         uint64(info.stale),
		Overwritten:   uint64(info.overwritten),
	}, nil
}

// Close frees the recording. Every later call gives ErrClosed, a second Close included.
func (r *Recording) Close() error {
	if r == nil || r.handle == nil {
		return errNilRecording
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var object *C.rota_error
	status := C.rota_recording_destroy(r.handle, &object)
	r.cleanup.Stop()
	return callError(status, object)
}
