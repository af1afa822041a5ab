// Package rota hands small jobs to a device through Rota: one Vulkan compute kernel stays resident on
// the device, and many tenants submit jobs through rings in shared memory. There and back takes about
// a microsecond.
//
// Open gives a Runtime, Runtime.NewTenant a Tenant. Tenant.Do submits one Job and waits for its
// Completion; Tenant.Submit submits many and gives a Batch, whose completions come later. NewBuffer
// makes device memory that jobs name. Tenant.LoadModule brings handlers of one's own. The words are those
// of docs/design.md, and rota.h has the arguments of every handler.
//
// # Ownership
//
// What is opened or made is the caller's to Close: the contract is Close, and the garbage collector
// only a net under it. Closing a runtime closes its tenants, closing a tenant frees its buffers. A
// runtime stays open as long as one of its tenants is in use, but a job holds only the name of a
// buffer: keep the Buffer until its jobs are done. C keeps no pointer into Go's memory, and Go gives
// out none into C's, except to the function that Outputs.View calls.
//
// # Goroutines
//
// Everything may be used by any goroutine at any time, also while another one closes it: the call
// then succeeds or gives ErrClosed. Handles are checked by the library and never followed, so a use
// after Close is an error and not a crash. A nil object gives ErrNullPointer.
//
// Calls of Do on one tenant are submitted together, and one goroutine at a time takes completions for
// all: one that waits anyway, or, where it takes longer, one that the tenant starts for it and that
// ends when nobody waits. It spins for about 50 us and then blocks in the library, which keeps one
// operating-system thread per tenant that waits for long. A tenant that nobody waits for has no
// goroutine, and one with nothing to do uses no processor. Completions that nobody waits for stay in
// the ring, and hold their slots, until somebody waits or submits into a full ring: a TrySubmit takes
// them itself, beside whoever takes them for all.
//
// A process that has called fork must not use the library in the child; os/exec is fine.
//
// # Tenants
//
// WithWeight, WithClass, WithShare and WithGroup say how much of the device a tenant gets, and when.
// WithQuota says how much of everything it may have: what it asks for beyond is refused by a *QuotaError,
// but for fuel per second, which jobs wait for. Of slots the refusal comes at once, also from Do and
// Submit: only a full ring is waited for. A job holds its slot until its completion and all before it are
// taken, so a tenant with one long job and many short ones uses more slots than it has jobs running.
//
// Quiesce waits for a tenant's jobs, Drain ends its accepting any, Revoke ends the jobs too, and Close the
// tenant. Counters tells what it has done and has.
//
// # Contexts
//
// The end of the context of Do cancels the job, and Do waits for its completion: a job that waits for
// its turn in the ring completes when that comes, one that has begun when it ends. So Do returns only
// when nothing of the job is to come any more, and what its arguments name can be used again. The
// context of Submit is for waiting for room in the ring, that of Batch.Wait for waiting. That of Quiesce,
// Drain, Revoke and RecorderSync ends their waiting, within 50 ms, and what they have begun stays begun. A load
// of a module and a replay can't be cut short: see Tenant.LoadModule and Replay.
//
// # Flight recorder
//
// WithRecorder, or $ROTA_RECORD, makes a runtime log its jobs and what came of them. Of a Runtime,
// RecorderState, RecorderSync and RecorderNote are about that. OpenRecording reads a log, and Replay runs it
// again and compares. docs/recorder.md says what is recorded and what is promised.
//
// # Metrics
//
// Runtime.Metrics fills a Snapshot with what happened per tenant, handler and runtime; Snapshot.Since tells the
// difference of two, and Tenant.Latency has the quantiles of one tenant. Of a Snapshot only one goroutine at
// a time may make use. Runtime.WriteMetrics writes it all as text for Prometheus, OpenMetrics or JSON, with what the
// functions tell that Runtime.AddMetrics adds; the module rotaprom beside this package has a collector for the
// Prometheus client library. WithTrace keeps the last decisions of a runtime: Runtime.Decisions.
//
// # Spans
//
// WithSpans, or the environment, tells a tracing system of a runtime's jobs: by OTLP, or in a file. ContextWithTrace
// puts the jobs of Do and Submit into a trace, so that a server's handler only has to do that with the context of
// a request whose header traceparent ParseTraceContext reads; SubmitTraced and its kin take a trace for each job.
// SpanStats and FlushSpans are the runtime's. docs/spans.md is the manual.
//
// # Errors
//
// A call that failed gives an *Error; errors.Is finds its Status, such as ErrNoDriver. ErrWouldBlock
// comes as it is. What a quota refused gives a *QuotaError, which has the numbers, and in it the *Error. A
// job that did not end OK gives a *JobError; errors.Is finds its CompletionStatus, its Fault, and the
// error of the context that cancelled it.
//
// # Numbers
//
// Times are time.Duration, or nanoseconds where the name says so. Buffers count in their own numbers;
// the arguments of jobs count in words of 32 bits or in bytes, as the handler says.
//
// # Linking
//
// It needs cgo and a C compiler. There are three ways to link the library:
//
//   - by default the shared library that pkg-config finds; PKG_CONFIG_PATH names the folder of rota.pc;
//   - with the build tag rota_static the archive librota.a of the same installation: the program then
//     runs where no Rota is installed;
//   - with the build tag rota_bundled the archive in lib/<os>_<arch> beside the package, which
//     bundle.sh puts there: the build then needs neither pkg-config nor an installed Rota.
//
// In every case a Vulkan loader and driver are looked for at run time.
package rota
