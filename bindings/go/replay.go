// Replay: the jobs of a log, run again and compared.

package rota

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"context"
	"runtime/cgo"
	"unsafe"
)

// Outcome is what a replay comes to.
type Outcome uint32

// The outcomes.
const (
	ReplaySame          Outcome = C.ROTA_REPLAY_SAME           // every job that could be compared came out the same
	ReplayDifferent     Outcome = C.ROTA_REPLAY_DIFFERENT      // one didn't, and nothing excuses it
	ReplayNotComparable Outcome = C.ROTA_REPLAY_NOT_COMPARABLE // the same as far as it goes; data or records are missing for the rest
)

// String is the name in the C API, such as "ROTA_REPLAY_SAME", or "UNKNOWN".
func (o Outcome) String() string { return C.GoString(C.rota_outcome_name(C.uint32_t(o))) }

// Differs says what of a job came out differently.
type Differs uint32

// What can differ.
const (
	DiffersStatus  Differs = C.ROTA_DIFFERS_STATUS
	DiffersFault   Differs = C.ROTA_DIFFERS_FAULT
	DiffersResults Differs = C.ROTA_DIFFERS_RESULTS
	DiffersDigest  Differs = C.ROTA_DIFFERS_DIGEST // of what it wrote
)

// ReplayFlags are flags of a replay.
type ReplayFlags uint32

// ReplayAsSubmitted lets jobs overlap again that overlapped when they were recorded. Without it they run
// one after the other.
const ReplayAsSubmitted ReplayFlags = C.ROTA_REPLAY_AS_SUBMITTED

// ReplayOptions is what is to be run again, and how. All but the path has a default.
type ReplayOptions struct {
	Path             string   // the log
	Run              *uint64  // which, from 0 on, of those that the log has the beginning or a checkpoint of; nil: the last
	Runtime          []Option // the runtime to run it on. What the log says of rings and memory goes before, and nothing is recorded
	DataDir          string   // a folder with the data that the log doesn't have, in files of any name
	NotDeterministic []Op     // of handlers that may come out differently each time
	Before           uint32   // the most jobs of Divergence.Before
	Flags            ReplayFlags

	// Progress, unless it is nil, hears how far it has come, in steps, now and then and at the end. Replay
	// calls it. It must not end the goroutine, as T.FailNow does; a panic of it comes out of Replay, when
	// the replay has ended, and it is not called again.
	Progress func(done, all uint64)
}

// ReplayJob is a job of a log.
type ReplayJob struct {
	Seq    uint64 // the number of its record: Recording.Seek finds it
	Tenant uint64 // whose it was, as Tenant.ID said then
	Ticket Ticket // then
	Job    Job    // as Record.Job
}

// Divergence is a job that came out differently.
type Divergence struct {
	ReplayJob
	Differs  Differs     // what, together
	Recorded Completion  // what came of it then
	Replayed Completion  // what came of it now
	Before   []ReplayJob // those before it that may have to do with it, in the order in which they ran
}

// ReplayReport is what a replay has found.
type ReplayReport struct {
	Outcome          Outcome
	RecordedOn       string        // the device
	Device           string        // that it ran again on
	Jobs             uint64        // in the log
	Compared         uint64        // that ran again and were compared
	Same             uint64        // of these, how many came out the same
	Different        uint64        // how many differently, with nothing that excuses it
	ByOpcode         map[Op]uint64 // of which opcodes these were
	Concurrent       uint64        // how many differently beside another job that may have been why
	Followed         uint64        // how many differently that name a buffer which another such job may have written
	NotDeterministic uint64        // how many differently of handlers in ReplayOptions.NotDeterministic
	OrderDependent   uint64        // how many in nothing but a digest that depends on order
	Overlapping      uint64        // that ran beside another one that may matter, whatever came of them
	Rescheduled      uint64        // that began in another order among themselves than then, which is no difference
	NotEnded         uint64        // that had not run to their end in the log
	BehindUnended    uint64        // not compared: they may have read what one of those has written
	WithoutData      uint64        // not compared: they depend on data that isn't there, or this device can't run them
	MissingData      uint64        // data that was looked for and isn't there, or that was never captured
	MissingRecords   uint64        // in the log
	Strays           uint64        // completions of jobs that the log doesn't have
	First            *Divergence   // the first job that came out differently; nil: none did
}

// Replay runs the jobs of a log again, in the order in which they began, in a runtime of its own, and
// compares what comes of them: status, fault, results, and the digest of what they wrote. That something
// came out differently is no error: the report tells it.
//
// It takes as long as the jobs do. For that time it holds an operating-system thread inside the library,
// where the context can't reach it: one that has ended before is an error, and where one ends meanwhile, the
// replay runs to its end and is reported.
//
// Errors: ErrInvalidArgument (also a run that the log doesn't have); of the log ErrIO, ErrNotALog,
// ErrLogDamaged, ErrLogTooNew, ErrNotReplayable; of the runtime as Open; ErrDeviceLost, ErrTimeout (a job
// takes longer than a minute now), and the context's.
func Replay(ctx context.Context, options ReplayOptions) (*ReplayReport, error) {
	if err := checkVersion(headerVersion, uint32(C.rota_version())); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	of, free, err := cRuntime(options.Runtime)
	if err != nil {
		return nil, err
	}
	defer free()
	c := C.rota_go_replay_options()
	c.runtime = of
	c.path, c.path_len = cText(options.Path)
	defer C.free(unsafe.Pointer(c.path))
	c.data_dir, c.data_dir_len = cText(options.DataDir)
	defer C.free(unsafe.Pointer(c.data_dir))
	if options.Run == nil {
		c.run = C.ROTA_LAST_RUN
	} else {
		c.run = C.uint64_t(*options.Run)
	}
	if n := len(options.NotDeterministic); n > 0 {
		c.not_deterministic = (*C.uint32_t)(C.calloc(C.size_t(n), C.sizeof_uint32_t))
		defer C.free(unsafe.Pointer(c.not_deterministic))
		c.not_deterministic_count = C.size_t(n)
		copy(unsafe.Slice((*Op)(unsafe.Pointer(c.not_deterministic)), n), options.NotDeterministic)
	}
	c.context = C.uint32_t(options.Before)
	c.flags = C.uint32_t(options.Flags)

	hears := &listener{call: options.Progress}
	var user C.uintptr_t
	if options.Progress != nil {
		handle := cgo.NewHandle(hears)
		defer handle.Delete()
		user = C.uintptr_t(handle)
	}
	var object *C.rota_error
	var replay *C.rota_replay
	status := C.rota_go_replay_run(&c, user, &replay, &object)
	defer C.rota_replay_destroy(replay, nil)
	err = callError(status, object)
	if hears.panicked {
		panic(hears.reason)
	}
	if err != nil {
		return nil, err
	}
	return replayReport(replay)
}

// listener is who hears of progress.
type listener struct {
	call     func(done, all uint64)
	panicked bool
	reason   any // for which it has panicked
}

//export rotaGoProgress
func rotaGoProgress(hears C.uintptr_t, done, all C.uint64_t) {
	l := cgo.Handle(hears).Value().(*listener)
	if l.panicked {
		return
	}
	// A panic must not jump over what C has under way.
	l.panicked = true
	defer func() {
		if l.panicked {
			l.reason = recover()
		}
	}()
	l.call(uint64(done), uint64(all))
	l.panicked = false
}

func replayReport(replay *C.rota_replay) (*ReplayReport, error) {
	var object *C.rota_error
	c := C.rota_go_replay_report()
	status := C.rota_replay_get_report(replay, &c, &object)
	if err := callError(status, object); err != nil {
		return nil, err
	}
	report := &ReplayReport{
		Outcome:          Outcome(c.outcome),
		RecordedOn:       C.GoString(&c.recorded_on[0]),
		Device:           C.GoString(&c.device[0]),
		Jobs:             uint64(c.jobs),
		Compared:         uint64(c.compared),
		Same:             uint64(c.same),
		Different:        uint64(c.different),
		ByOpcode:         map[Op]uint64{},
		Concurrent:       uint64(c.concurrent),
		Followed:         uint64(c.followed),
		NotDeterministic: uint64(c.not_deterministic),
		OrderDependent:   uint64(c.order_dependent),
		Overlapping:      uint64(c.overlapping),
		Rescheduled:      uint64(c.rescheduled),
		NotEnded:         uint64(c.not_ended),
		BehindUnended:    uint64(c.behind_unended),
		WithoutData:      uint64(c.without_data),
		MissingData:      uint64(c.missing_data),
		MissingRecords:   uint64(c.missing_records),
		Strays:           uint64(c.strays),
	}
	counts, err := listOf(func(to *C.rota_replay_count, n C.size_t, needed *C.size_t) error {
		var object *C.rota_error
		return callError(C.rota_replay_get_counts(replay, to, n, needed, &object), object)
	})
	if err != nil {
		return nil, err
	}
	for _, count := range counts {
		report.ByOpcode[Op(count.opcode)] = uint64(count.jobs)
	}
	if c.differs == 0 {
		return report, nil
	}
	before, err := listOf(func(to *C.rota_replay_job, n C.size_t, needed *C.size_t) error {
		var object *C.rota_error
		return callError(C.rota_replay_get_before(replay, to, n, needed, &object), object)
	})
	if err != nil {
		return nil, err
	}
	report.First = &Divergence{
		ReplayJob: replayJobOf(&c.first),
		Differs:   Differs(c.differs),
		Recorded:  completionOf(&c.recorded),
		Replayed:  completionOf(&c.replayed),
	}
	for i := range before {
		report.First.Before = append(report.First.Before, replayJobOf(&before[i]))
	}
	return report, nil
}

// listOf asks how many there are, and then for them.
func listOf[T any](get func(to *T, n C.size_t, needed *C.size_t) error) ([]T, error) {
	var needed C.size_t
	if err := get(nil, 0, &needed); err != nil || needed == 0 {
		return nil, err
	}
	list := make([]T, needed)
	return list, get(unsafe.SliceData(list), needed, &needed)
}

func replayJobOf(c *C.rota_replay_job) ReplayJob {
	return ReplayJob{Seq: uint64(c.seq), Tenant: uint64(c.tenant), Ticket: Ticket(c.ticket), Job: jobOf(&c.job)}
}
