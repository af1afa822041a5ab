// Jobs and completions: the 64 bytes that go in and the 64 that come back, laid out as in C.

package rota

// #include "shim.h"
import "C"

import (
	"math"
	"unsafe"
)

// Op says which handler runs a job.
type Op uint32

// The standard handlers. rota.h has the arguments of each.
const (
	OpNop         Op = C.ROTA_OP_NOP          // a, b; results: a, b
	OpSpin        Op = C.ROTA_OP_SPIN         // n, x; runs n loop iterations
	OpFill        Op = C.ROTA_OP_FILL         // dst, dst_word, count, value
	OpCopy        Op = C.ROTA_OP_COPY         // src, src_word, dst, dst_word, count
	OpSaxpyF32    Op = C.ROTA_OP_SAXPY_F32    // x, x_word, y, y_word, count, alpha (float)
	OpSumU32      Op = C.ROTA_OP_SUM_U32      // src, src_word, count; results: the 64-bit sum
	OpSumF32      Op = C.ROTA_OP_SUM_F32      // src, src_word, count, dst, dst_word
	OpMinMaxU32   Op = C.ROTA_OP_MIN_MAX_U32  // src, src_word, count; results: min, max
	OpHistogramU8 Op = C.ROTA_OP_HISTOGRAM_U8 // src, src_byte, count (bytes), dst, dst_word
	OpScanDFA     Op = C.ROTA_OP_SCAN_DFA     // text, text_byte, count (bytes), dfa, counts, counts_word, ...
)

// JobFlags are flags of a job.
type JobFlags uint32

// The flags of a job. "Before" means: submitted before, by this tenant. Only jobs that one goroutine
// submits have an order: one Submit, or calls one after another.
const (
	JobBarrier JobFlags = C.ROTA_JOB_BARRIER  // starts after all jobs before it have completed
	JobAfterOK JobFlags = C.ROTA_JOB_AFTER_OK // and only if the one just before it ended OK
	JobTiming  JobFlags = C.ROTA_JOB_TIMING   // fill in Fuel, ModuleVersion, BeginEpoch and EndEpoch

	JobNormal     JobFlags = C.ROTA_JOB_NORMAL     // its class is no better than ClassNormal, whatever its tenant's
	JobBackground JobFlags = C.ROTA_JOB_BACKGROUND // its class is ClassBackground, whatever its tenant's
)

// Job is a request. It is copied when it is submitted.
type Job struct {
	Op       Op
	Flags    JobFlags
	Tiles    uint32     // pieces to cut it into; 0 means 1, all that a scalar handler takes. See Tiles
	Fuel     uint32     // loop iterations that it may take, per tile; 0: the default
	Args     [10]uint32 // what the handler says; buffers by Buffer.Name
	UserData uint64     // comes back in the completion; the device never sees it
}

// SetInt32 puts a signed value into one argument.
func (j *Job) SetInt32(i int, value int32) { j.Args[i] = uint32(value) }

// SetFloat32 puts the bits of a float into one argument.
func (j *Job) SetFloat32(i int, value float32) { j.Args[i] = math.Float32bits(value) }

// SetUint64 puts a 64-bit value into arguments i and i + 1, the low word first.
func (j *Job) SetUint64(i int, value uint64) {
	j.Args[i], j.Args[i+1] = uint32(value), uint32(value>>32)
}

// SetFloat64 puts the bits of a float into arguments i and i + 1, the low word first.
func (j *Job) SetFloat64(i int, value float64) { j.SetUint64(i, math.Float64bits(value)) }

// Tiles is a good number of tiles for a standard handler and so many elements (in the handler's
// units), never so few that the handler faults; 0 for an opcode that is no standard handler.
func Tiles(op Op, elements uint64) uint32 {
	return uint32(C.rota_tiles(C.uint32_t(op), C.uint64_t(elements)))
}

// Ticket names a submitted job of one tenant. It is never 0 and is not used again.
type Ticket uint64

// TicketState tells where a job is.
type TicketState uint32

// Where a job can be.
const (
	TicketOpen  TicketState = C.ROTA_TICKET_OPEN  // not finished
	TicketDone  TicketState = C.ROTA_TICKET_DONE  // finished; its batch has not got the completion yet
	TicketTaken TicketState = C.ROTA_TICKET_TAKEN // its batch has the completion
)

// Completion is the answer to a job.
type Completion struct {
	Ticket        Ticket
	UserData      uint64
	Status        CompletionStatus
	Fault         Fault
	Results       [2]uint32 // what the handler says; 0 unless the status is CompletionOK
	Fuel          uint32    // loop iterations that it took, with JobTiming
	ModuleVersion uint32    // of the module that ran it, with JobTiming; 0 for the standard handlers
	BeginEpoch    uint64    // with JobTiming
	EndEpoch      uint64    // with JobTiming
	Digest        uint64    // of all that it stored, where digests are made; see OrderDependent
}

// Uint64 is both results as one value.
func (c *Completion) Uint64() uint64 { return uint64(c.Results[1])<<32 | uint64(c.Results[0]) }

// Float32 is one result, taken as the bits of a float.
func (c *Completion) Float32(i int) float32 { return math.Float32frombits(c.Results[i]) }

// OrderDependent tells whether the job exchanged words, or did something else that another order can make come out
// differently. Then another Digest doesn't mean another outcome.
func (c *Completion) OrderDependent() bool { return c.Digest&C.ROTA_DIGEST_ORDER_DEPENDENT != 0 }

// Err is nil for a job that ended OK, else a *JobError.
func (c *Completion) Err() error {
	if c.Status == CompletionOK {
		return nil
	}
	return &JobError{Ticket: c.Ticket, UserData: c.UserData, Status: c.Status, Fault: c.Fault}
}

// The library reads and writes slices of these types: sizes and offsets have to agree.
var (
	_ [unsafe.Sizeof(Job{})]byte                     = [C.sizeof_rota_job]byte{}
	_ [unsafe.Sizeof(Completion{})]byte              = [C.sizeof_rota_completion]byte{}
	_ [unsafe.Offsetof(Job{}.Args)]byte              = [unsafe.Offsetof(C.rota_job{}.args)]byte{}
	_ [unsafe.Offsetof(Job{}.UserData)]byte          = [unsafe.Offsetof(C.rota_job{}.user_data)]byte{}
	_ [unsafe.Offsetof(Completion{}.Status)]byte     = [unsafe.Offsetof(C.rota_completion{}.status)]byte{}
	_ [unsafe.Offsetof(Completion{}.Results)]byte    = [unsafe.Offsetof(C.rota_completion{}.results)]byte{}
	_ [unsafe.Offsetof(Completion{}.BeginEpoch)]byte = [unsafe.Offsetof(C.rota_completion{}.begin_epoch)]byte{}
)
