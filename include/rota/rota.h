/* Rota keeps one compute kernel resident on a device and lets many tenants hand it small jobs
 * through rings in shared memory: a submit is a few memory writes.
 *
 * What holds for every function. docs/c-api.md says it at length.
 *
 * Calls        A fallible call returns a rota_status. Arguments are in the order object, inputs,
 *              outputs, error. Outputs are written on success only, except counts (accepted, count,
 *              needed), which always are.
 * Errors       The last argument, rota_error **error, may be NULL. Else *error is written by every
 *              call: NULL on success, for WOULD_BLOCK and for TIMEOUT; otherwise an error object,
 *              which the caller owns, or NULL if there is no memory for one. Under "Errors:" stand
 *              the statuses that a call is likely to give, without ROTA_STATUS_. Each call that takes
 *              a runtime or a tenant may also give PANIC.
 * Handles      Opaque, never dereferenced, and checked: a handle that is stale, closed or of another
 *              type gives INVALID_HANDLE, and NULL gives NULL_POINTER. Other pointers must point to
 *              what their type says, be aligned, and not overlap where one of them is written.
 * Arrays       Pointer and number of elements. With 0 elements the pointer may be NULL.
 * Texts        In: pointer and bytes, UTF-8, no zero needed; NULL and 0 for the default. Out:
 *              zero-terminated.
 * Structs      Set them to their ROTA_..._INIT and change what is to be different. A zero field means
 *              its default. struct_size tells which version the caller was built with: what a shorter
 *              struct lacks gets defaults, and what a longer one has more must be zero.
 * Numbers      Unknown enum values and unknown flags give INVALID_ARGUMENT.
 * Times        Nanoseconds. 0 doesn't wait, ROTA_FOREVER waits without an end.
 * Threads      Any call may be made from any thread at any time, also while another thread destroys
 *              the object: it then succeeds or returns INVALID_HANDLE.
 * Arguments    A job's args are 32-bit words. A float is passed as its bits: memcpy(&job.args[5],
 *              &alpha, 4). A 64-bit value takes two words, the low one first: args[i] = (uint32_t)v,
 *              args[i + 1] = (uint32_t)(v >> 32); 64-bit results come back in the same way. A signed
 *              value is passed as its two's complement. A buffer is passed as its rota_buffer.
 *
 * C99 and later, C++98 and later. The interface and all numbers in it are stable within a major
 * version from 1.0 on.
 */

#ifndef ROTA_H
#define ROTA_H

/* Generated from ffi/src by cbindgen. Don't edit it; docs/c-api.md says how it is made. */

#include <stddef.h>
#include <stdint.h>

/// ---- Initialisers ------------------------------------------------------------------------------
/// In C and in C++: rota_job job = ROTA_JOB_INIT; then change what is to be different.
///
/// The best device, with defaults everywhere.
#define ROTA_RUNTIME_OPTIONS_INIT \
    { sizeof(rota_runtime_options), NULL, 0, 0, 0, 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, NULL, NULL, 0, 0, \
      NULL, 0, NULL }

/// Empty, for rota_runtime_get_info to fill in.
#define ROTA_RUNTIME_INFO_INIT \
    { sizeof(rota_runtime_info), {0}, {0}, {0}, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
      0, 0, 0, 0, 0, 0, 0 }

/// Empty, for rota_devices_list to fill in.
#define ROTA_DEVICE_INFO_INIT \
    { sizeof(rota_device_info), 0, 0, {0}, {0}, {0}, 0, 0, 0, 0, 0, 0, {0}, 0 }

/// No label, and a ring as large as the runtime says.
#define ROTA_TENANT_OPTIONS_INIT { sizeof(rota_tenant_options), NULL, 0, 0, 0, 0, 0, ROTA_CLASS_NORMAL, 0, 0, 0, NULL }

/// No limits.
#define ROTA_QUOTA_INIT \
    { sizeof(rota_quota), ROTA_UNLIMITED, ROTA_UNLIMITED, ROTA_UNLIMITED, ROTA_UNLIMITED, \
      ROTA_UNLIMITED, ROTA_UNLIMITED, ROTA_UNLIMITED }

/// Empty, for rota_tenant_get_counters to fill in.
#define ROTA_TENANT_COUNTERS_INIT \
    { sizeof(rota_tenant_counters), 0, 0, 0, {0}, {0}, 0, 0, 0, 0, {0}, {0}, {0}, 0, 0, 0, 0, 0 }

/// Wants nothing but how many there are: set what is wanted.
#define ROTA_SNAPSHOT_INIT { sizeof(rota_snapshot), NULL, 0, 0, NULL, 0, 0, NULL, 0, 0, NULL }

/// Empty, for rota_metrics_snapshot to fill in.
#define ROTA_METRICS_INIT \
    { sizeof(rota_metrics), 0, {0, 0, 0, {0}, {0}, 0, 0, 0, 0, {0}, {0}, {0}, 0, 0, 0, 0, 0}, \
      {{0}, 0}, {ROTA_NOT_OBSERVED, ROTA_NOT_OBSERVED, ROTA_NOT_OBSERVED}, 0, 0, 0, 0, {0}, \
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {0}, 0, 0 }

/// Empty, for rota_metrics_snapshot to fill in.
#define ROTA_TENANT_METRICS_INIT \
    { sizeof(rota_tenant_metrics), {0}, 0, {0, 0, 0, {0}, {0}, 0, 0, 0, 0, {0}, {0}, {0}, 0, 0, 0, 0, 0}, \
      {{0}, 0}, {ROTA_NOT_OBSERVED, ROTA_NOT_OBSERVED, ROTA_NOT_OBSERVED} }

/// Empty, for rota_metrics_snapshot to fill in.
#define ROTA_HANDLER_METRICS_INIT { sizeof(rota_handler_metrics), {0}, {0}, 0, 0, 0 }

/// Empty, for rota_metrics_snapshot to fill in.
#define ROTA_METRICS_VALUE_INIT { sizeof(rota_metrics_value), {0}, 0 }

/// No source and no handlers: set both.
#define ROTA_MODULE_OPTIONS_INIT { sizeof(rota_module_options), NULL, 0, NULL, 0, NULL, 0 }

/// Empty, for rota_module_load to fill in.
#define ROTA_MODULE_REPORT_INIT { sizeof(rota_module_report), 0, 0, 0, 0, 0, 0 }

/// A NOP with one tile.
#define ROTA_JOB_INIT { ROTA_OP_NOP, 0, 1, 0, {0}, 0 }

/// Empty, for rota_outputs_get_stats to fill in.
#define ROTA_OUTPUTS_STATS_INIT { sizeof(rota_outputs_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/// No path: set it. Else defaults everywhere.
#define ROTA_RECORDER_OPTIONS_INIT { sizeof(rota_recorder_options), NULL, 0, 0, 0, 0, 0, 0, 0, NULL, 0 }

/// Empty, for rota_recorder_get_state to fill in.
#define ROTA_RECORDER_STATE_INIT \
    { sizeof(rota_recorder_state), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
      0, 0, 0, 0, 0 }

/// Nowhere: set exporters or path, or both. Else defaults everywhere.
#define ROTA_SPAN_OPTIONS_INIT \
    { sizeof(rota_span_options), 0, 0, 1.0, NULL, 0, NULL, 0, NULL, 0, 8192, 100, 0, 0 }

/// Empty, for rota_spans_get_stats to fill in.
#define ROTA_SPAN_STATS_INIT { sizeof(rota_span_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0.0, 0.0 }

/// None: a job that begins its own trace.
#define ROTA_TRACE_CONTEXT_INIT { {0}, {0}, 0 }

/// Empty, for rota_recording_get_info to fill in.
#define ROTA_RECORDING_INFO_INIT \
    { sizeof(rota_recording_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/// Empty, for rota_recording_next to fill in.
#define ROTA_RECORD_INIT \
    { sizeof(rota_record), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {0, 0, 0, 0, {0}, 0}, \
      {0, 0, 0, 0, {0}, 0, 0, 0, 0, 0}, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {0}, NULL, 0, NULL, 0, 0 }

/// No path: set it. The last run, on the best device.
#define ROTA_REPLAY_OPTIONS_INIT \
    { sizeof(rota_replay_options), NULL, 0, ROTA_LAST_RUN, NULL, NULL, 0, NULL, 0, 0, 0, NULL, NULL }

/// Empty, for rota_replay_get_report to fill in.
#define ROTA_REPLAY_REPORT_INIT \
    { sizeof(rota_replay_report), 0, 0, {0}, {0}, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
      {0, 0, 0, {0, 0, 0, 0, {0}, 0}}, {0, 0, 0, 0, {0}, 0, 0, 0, 0, 0}, \
      {0, 0, 0, 0, {0}, 0, 0, 0, 0, 0} }


/// ---- Version -----------------------------------------------------------------------------------
///
/// The version of this header; rota_version tells the library's.
#define ROTA_VERSION_MAJOR 0

/// See ROTA_VERSION_MAJOR.
#define ROTA_VERSION_MINOR 1

/// See ROTA_VERSION_MAJOR.
#define ROTA_VERSION_PATCH 0

/// ---- Times -------------------------------------------------------------------------------------
///
/// A wait without an end; an idle limit that is never reached.
#define ROTA_FOREVER UINT64_MAX

/// ---- Status ------------------------------------------------------------------------------------
///
/// The call did what it says.
#define ROTA_STATUS_OK 0

/// The ring is full. Poll some completions and try again; the count says what was accepted.
#define ROTA_STATUS_WOULD_BLOCK 1

/// Nothing came within the time.
#define ROTA_STATUS_TIMEOUT 2

/// An argument is wrong: an unknown enum value or flag, a size, a text that is not UTF-8.
#define ROTA_STATUS_INVALID_ARGUMENT 3

/// A pointer is NULL that must not be.
#define ROTA_STATUS_NULL_POINTER 4

/// A struct_size is 0, not a multiple of 8, or covers bytes that this version doesn't know and that
/// aren't zero.
#define ROTA_STATUS_INVALID_STRUCT_SIZE 5

/// The handle is stale, closed, or of another type or tenant.
#define ROTA_STATUS_INVALID_HANDLE 6

/// The ticket was never given out by this tenant, or its completion was taken.
#define ROTA_STATUS_INVALID_TICKET 7

/// No handler has this opcode, or it lies outside the tenant's window.
#define ROTA_STATUS_INVALID_OPCODE 8

/// A job's tiles are 0 or above the limit, or not 1 for a scalar handler.
#define ROTA_STATUS_INVALID_TILES 9

/// An offset, length or index lies outside its object.
#define ROTA_STATUS_OUT_OF_RANGE 10

/// The host has no memory left.
#define ROTA_STATUS_OUT_OF_MEMORY 11

/// The device has no memory left.
#define ROTA_STATUS_OUT_OF_DEVICE_MEMORY 12

/// The rings of all tenants together would not fit their memory.
#define ROTA_STATUS_OUT_OF_RING_MEMORY 13

/// A quota of the tenant or of the runtime is used up; rota_error_resource and its kin say which.
#define ROTA_STATUS_QUOTA_EXCEEDED 14

/// There is no Vulkan loader or driver; the message names what was looked for and what to install.
#define ROTA_STATUS_NO_DRIVER 15

/// No device fits the one asked for.
#define ROTA_STATUS_NO_DEVICE 16

/// The device lacks something that Rota needs; the message names it.
#define ROTA_STATUS_DEVICE_UNSUPPORTED 17

/// The device was lost.
#define ROTA_STATUS_DEVICE_LOST 18

/// A Vulkan call failed; see rota_error_vk_result.
#define ROTA_STATUS_DRIVER_ERROR 19

/// The runtime was stopped.
#define ROTA_STATUS_STOPPED 20

/// This device, driver or system can't do that.
#define ROTA_STATUS_UNSUPPORTED 21

/// A file could not be read or written.
#define ROTA_STATUS_IO_ERROR 22

/// The library panicked: a bug in it. The runtime can only be destroyed from here.
#define ROTA_STATUS_PANIC 23

/// The object is in a state in which it can't do that.
#define ROTA_STATUS_WRONG_STATE 24

/// The module's source was rejected; the message says where and why.
#define ROTA_STATUS_INVALID_MODULE 25

/// The tenant has a handler of that opcode already.
#define ROTA_STATUS_OPCODE_TAKEN 26

/// The kernel has no room for more handlers.
#define ROTA_STATUS_KERNEL_FULL 27

/// Another runtime, here or in another program, records into this log.
#define ROTA_STATUS_LOG_IN_USE 28

/// A folder, or another program's file: not a log of Rota's.
#define ROTA_STATUS_NOT_A_LOG 29

/// The log, or data that it names, is empty, cut off or damaged; the message says which and where.
#define ROTA_STATUS_LOG_DAMAGED 30

/// A later version wrote the log, with what this one doesn't know; the message names it.
#define ROTA_STATUS_LOG_TOO_NEW 31

/// The log names data by its hash, and the data isn't kept beside it.
#define ROTA_STATUS_DATA_MISSING 32

/// The log has no run from its beginning on, so nothing of it can be run again.
#define ROTA_STATUS_NOT_REPLAYABLE 33

/// ---- Log levels --------------------------------------------------------------------------------
///
/// Nothing.
#define ROTA_LOG_OFF 0

/// What went wrong and was not told as the status of a call.
#define ROTA_LOG_ERROR 1

/// What works, but not as it should.
#define ROTA_LOG_WARN 2

/// What was chosen and found out when a runtime is opened.
#define ROTA_LOG_INFO 3

/// What happens seldom: parking, waking, segments.
#define ROTA_LOG_DEBUG 4

/// What happens often: leases.
#define ROTA_LOG_TRACE 5

/// ---- Device kinds ------------------------------------------------------------------------------
///
/// None of the others.
#define ROTA_DEVICE_OTHER 0

/// A GPU that shares the host's memory.
#define ROTA_DEVICE_INTEGRATED 1

/// A GPU with its own memory.
#define ROTA_DEVICE_DISCRETE 2

/// A GPU of a virtual machine.
#define ROTA_DEVICE_VIRTUAL 3

/// A software driver that runs on the CPU.
#define ROTA_DEVICE_CPU 4

/// ---- Resources ---------------------------------------------------------------------------------
///
/// Slots of the ring: held from a job's submit until its completion and all before it are taken.
#define ROTA_RESOURCE_SLOTS 0

/// Bytes that the host is copying to or from buffers.
#define ROTA_RESOURCE_STAGING_BYTES 1

/// Buffers, granted ones too: held until the device is done with them.
#define ROTA_RESOURCE_BUFFERS 2

/// Bytes of the tenant's own buffers: held as long.
#define ROTA_RESOURCE_BUFFER_BYTES 3

/// Modules: held until they are unloaded.
#define ROTA_RESOURCE_MODULES 4

/// Loop iterations that a lane of a job may run.
#define ROTA_RESOURCE_FUEL_PER_JOB 5

/// Loop iterations of all jobs together in a second.
#define ROTA_RESOURCE_FUEL_PER_SECOND 6

/// How many resources there are.
#define ROTA_RESOURCES 7

/// What rota_error_resource says of an error that is about no resource.
#define ROTA_RESOURCE_NONE 4294967295

/// A cap that limits nothing.
#define ROTA_UNLIMITED UINT64_MAX

/// ---- What is captured --------------------------------------------------------------------------
/// Of the data that the host writes into buffers.
///
/// Nothing.
#define ROTA_CAPTURE_JOBS 0

/// The BLAKE3 hash.
#define ROTA_CAPTURE_DIGESTS 1

/// The data too, so that the log can be run again by itself. Each time that half of the log was written
/// submits wait until the jobs that are open have ended, and what buffers hold is kept.
#define ROTA_CAPTURE_FULL 2

/// ---- Flags of a recorder -----------------------------------------------------------------------
///
/// Submits don't wait when the disk can't follow; what is missing is counted in the log. Without it
/// they wait.
#define ROTA_RECORDER_ALLOW_GAPS 1

/// After an error of the disk no job is accepted any more. Without it jobs go on unrecorded.
#define ROTA_RECORDER_STOP_ON_ERROR 2

/// Gives up what a log holds that is there.
#define ROTA_RECORDER_START_OVER 4

/// ---- Classes of evidence -----------------------------------------------------------------------
///
/// The device was lost.
#define ROTA_EVIDENCE_DEVICE_LOSS 1

/// It may not happen again.
#define ROTA_EVIDENCE_TRANSIENT 2

/// A bug in the program.
#define ROTA_EVIDENCE_PROGRAM_BUG 3

/// Nobody knows yet.
#define ROTA_EVIDENCE_UNCLASSIFIED 4

/// ---- Samplers ----------------------------------------------------------------------------------
/// As OpenTelemetry's: which jobs have spans. Those called PARENT go by the sampled flag of the job's
/// trace context, and only jobs without a context are sampled as the name says.
///
/// What $OTEL_TRACES_SAMPLER and $OTEL_TRACES_SAMPLER_ARG say; without them PARENT_ALWAYS_ON.
#define ROTA_SAMPLER_ENVIRONMENT 0

/// All.
#define ROTA_SAMPLER_ALWAYS_ON 1

/// None.
#define ROTA_SAMPLER_ALWAYS_OFF 2

/// The part of them that sample_ratio says; those with a trace context by their trace id.
#define ROTA_SAMPLER_RATIO 3

/// All without a context.
#define ROTA_SAMPLER_PARENT_ALWAYS_ON 4

/// None without a context.
#define ROTA_SAMPLER_PARENT_ALWAYS_OFF 5

/// A part of those without a context.
#define ROTA_SAMPLER_PARENT_RATIO 6

/// ---- Exporters of spans ------------------------------------------------------------------------
///
/// OTLP over HTTP, with protobuf: to an OpenTelemetry collector, or what understands the same.
#define ROTA_SPANS_OTLP 1

/// ---- Flags of a trace context ------------------------------------------------------------------
///
/// The caller's span is sampled.
#define ROTA_TRACE_SAMPLED 1

/// ---- Modes -------------------------------------------------------------------------------------
///
/// RESIDENT where the device can, else BATCH.
#define ROTA_MODE_AUTO 0

/// The kernel polls the rings live. UNSUPPORTED where the probe says that it can't.
#define ROTA_MODE_RESIDENT 1

/// Jobs are handed over and completions handed back between launches: slower, for every device.
#define ROTA_MODE_BATCH 2

/// ---- Flags of a runtime ------------------------------------------------------------------------
///
/// Run under the Khronos validation layer, which has to be installed; its messages go to the log.
#define ROTA_RUNTIME_VALIDATE 1

/// Neither read nor write the pipeline cache on disk.
#define ROTA_RUNTIME_NO_CACHE 2

/// Make a digest of what each job stores: digest of its rota_completion. It costs a part of each store,
/// and 8 bytes a slot. A runtime with a flight recorder does so anyway.
#define ROTA_RUNTIME_WRITE_DIGESTS 4

/// Keep the last 256 decisions, each with its reason: rota_runtime_get_decisions. So it is too where
/// $ROTA_TRACE is 1.
#define ROTA_RUNTIME_TRACE 8

/// ---- State of a tenant -------------------------------------------------------------------------
///
/// It accepts jobs.
#define ROTA_TENANT_ACTIVE 0

/// It was drained: it accepts no more jobs.
#define ROTA_TENANT_DRAINING 1

/// It was revoked: its jobs end. It can be destroyed.
#define ROTA_TENANT_REVOKED 2

/// ---- Latency class of a tenant -----------------------------------------------------------------
///
/// Of the tenants that have a turn, those of a better class go first. It decides who waits, and not
/// how much anybody gets: that is what weights are for.
#define ROTA_CLASS_NORMAL 0

/// Before all others. See ROTA_CLASS_NORMAL.
#define ROTA_CLASS_INTERACTIVE 1

/// Behind all others. See ROTA_CLASS_NORMAL.
#define ROTA_CLASS_BACKGROUND 2

/// ---- Waiting -----------------------------------------------------------------------------------
///
/// Spins for a moment, then blocks: fast answers without burning a core for slow ones.
#define ROTA_WAIT_ADAPTIVE 0

/// Spins: the fastest answer, for a core.
#define ROTA_WAIT_SPIN 1

/// Blocks at once.
#define ROTA_WAIT_BLOCK 2

/// ---- Flags of a job ----------------------------------------------------------------------------
///
/// Starts after all earlier jobs of this tenant have completed.
#define ROTA_JOB_BARRIER 1

/// As BARRIER, and only if the job just before ended OK; else it completes as SKIPPED.
#define ROTA_JOB_AFTER_OK 2

/// Fill in fuel, module_version, begin_epoch and end_epoch of the completion.
#define ROTA_JOB_TIMING 4

/// The job's class is no better than normal, whatever its tenant's: see ROTA_CLASS_NORMAL.
#define ROTA_JOB_NORMAL 8

/// The job's class is background, whatever its tenant's. Not together with ROTA_JOB_NORMAL.
#define ROTA_JOB_BACKGROUND 16

/// ---- Digests ----------------------------------------------------------------------------------
///
/// A bit of a digest: the job exchanged words, or did something else that another order can make come
/// out differently. Then other bits may differ though all is well.
#define ROTA_DIGEST_ORDER_DEPENDENT 9223372036854775808ull

/// ---- Status of a completion --------------------------------------------------------------------
///
/// The job ran to its end.
#define ROTA_COMPLETION_OK 1

/// It did not; `fault` says why.
#define ROTA_COMPLETION_FAULTED 2

/// AFTER_OK, and the job before it did not end OK.
#define ROTA_COMPLETION_SKIPPED 3

/// Cancelled, or open when the runtime was stopped.
#define ROTA_COMPLETION_CANCELLED 4

/// Its tenant was revoked.
#define ROTA_COMPLETION_REVOKED 5

/// The device was lost; the job may have run or not.
#define ROTA_COMPLETION_DEVICE_LOST 6

/// ---- Faults ------------------------------------------------------------------------------------
///
/// No fault: the completion isn't FAULTED.
#define ROTA_FAULT_NONE 0

/// No handler has this opcode.
#define ROTA_FAULT_UNKNOWN_OPCODE 1

/// The handler was unloaded after the submit.
#define ROTA_FAULT_HANDLER_UNLOADED 2

/// Too few tiles for so many elements; rota_tiles gives a good number.
#define ROTA_FAULT_INVALID_TILES 3

/// No such buffer, or it was destroyed.
#define ROTA_FAULT_INVALID_BUFFER 4

/// The buffer is another tenant's.
#define ROTA_FAULT_FOREIGN_BUFFER 5

/// A store to a buffer that jobs may only read.
#define ROTA_FAULT_READ_ONLY 6

/// An access outside the buffer.
#define ROTA_FAULT_OUT_OF_BOUNDS 7

/// An offset that the handler needs aligned.
#define ROTA_FAULT_MISALIGNED 8

/// The job's fuel was used up.
#define ROTA_FAULT_FUEL_EXHAUSTED 9

/// The driver cut a loop short.
#define ROTA_FAULT_LOOP_CUT 10

/// Data of a wrong form, such as a broken DFA table.
#define ROTA_FAULT_INVALID_DATA 11

/// From here on: the handler's own code, plus this.
#define ROTA_FAULT_HANDLER 65536

/// ---- State of a ticket -------------------------------------------------------------------------
///
/// Not finished.
#define ROTA_TICKET_OPEN 1

/// Completed, and the completion not taken yet.
#define ROTA_TICKET_DONE 2

/// The completion was taken.
#define ROTA_TICKET_TAKEN 3

/// ---- Standard handlers: opcodes and their arguments --------------------------------------------
/// A count, and an offset that ends in _word or _byte, is in those units, words being 32 bits. A
/// tiled handler splits its range evenly: each tile gets count / tiles, rounded up.
///
/// Scalar. args: a, b. results: a, b.
#define ROTA_OP_NOP 1

/// Scalar. args: n, x. Runs n loop iterations of x = x * 1664525 + 1013904223. results: the last x.
#define ROTA_OP_SPIN 2

/// Tiled. args: dst, dst_word, count, value. Stores the value into each word.
#define ROTA_OP_FILL 16

/// Tiled. args: src, src_word, dst, dst_word, count. Copies words.
#define ROTA_OP_COPY 17

/// Tiled. args: x, x_word, y, y_word, count, alpha (float). y[i] = alpha * x[i] + y[i].
#define ROTA_OP_SAXPY_F32 18

/// Tiled. args: src, src_word, count. results: the 64-bit sum, low word first.
#define ROTA_OP_SUM_U32 19

/// Tiled. args: src, src_word, count, dst, dst_word. dst[dst_word + tile] = the tile's sum. With one
/// tile dst may be 0, and results[0] is the sum.
#define ROTA_OP_SUM_F32 20

/// Tiled. args: src, src_word, count. results: min, max; 0xffffffff, 0 for no elements.
#define ROTA_OP_MIN_MAX_U32 21

/// Tiled. args: src, src_byte, count (bytes), dst, dst_word. Adds 256 counts to the words at dst.
#define ROTA_OP_HISTOGRAM_U8 22

/// Tiled. args: text, text_byte, count (bytes), dfa, counts, counts_word, positions (0: none),
/// positions_cap (pairs). Adds the matches of pattern p that end in the range to
/// counts[counts_word + p]. positions: word 0 is raised by the number of matches, which may exceed
/// the cap; then pairs (end of the match as byte offset from text_byte, pattern) in no order.
/// results: the 64-bit number of matches, low word first. docs/c-api.md describes the DFA table.
#define ROTA_OP_SCAN_DFA 23

/// ---- Loaded handlers ---------------------------------------------------------------------------
///
/// One lane runs a job alone.
#define ROTA_HANDLER_SCALAR 0

/// A job has tiles, and all lanes of a worker run one.
#define ROTA_HANDLER_TILED 1

/// The lowest opcode that a loaded handler can have.
#define ROTA_FIRST_OPCODE 4096

/// ---- Flags of a buffer -------------------------------------------------------------------------
///
/// Jobs may only read it; the host may write it all the same.
#define ROTA_BUFFER_READ_ONLY 1

/// ---- Flags of a recording ----------------------------------------------------------------------
///
/// What is missing or damaged is told as ROTA_RECORD_MISSING, and what is behind it is read. Without it
/// that is LOG_DAMAGED, and the end.
#define ROTA_RECORDING_SALVAGE 1

/// ---- Kinds of records --------------------------------------------------------------------------
/// Under each stands what of a rota_record it sets besides seq, cells, mono_ns and wall_ns.
///
/// No record: the end.
#define ROTA_RECORD_END 0

/// A runtime was opened. fields: library_version, device, driver, mode, capture, pid, lanes, and its
/// options.
#define ROTA_RECORD_RUN_START 1

/// A runtime was closed, in order. text: why; fields: jobs, completions.
#define ROTA_RECORD_RUN_END 2

/// event: ROTA_EVENT_TENANT_*; tenant, epoch; text: its label; fields: its options.
#define ROTA_RECORD_TENANT 3

/// event: ROTA_EVENT_MODULE_*; tenant, 0 for the runtime's; module, version, epoch; text: its label;
/// hash: of its source; fields: its handlers.
#define ROTA_RECORD_MODULE 4

/// event: ROTA_EVENT_BUFFER_*; tenant, buffer, tail, epoch; offset, length, value, read_only,
/// other_tenant, other_buffer as the event says; hash: of what was written, if it was captured.
#define ROTA_RECORD_BUFFER 5

/// A job was submitted. tenant, ticket, epoch, job.
#define ROTA_RECORD_JOB 6

/// A completion was taken. tenant, ticket, completion.
#define ROTA_RECORD_COMPLETION 7

/// What is known of a failure: what rota_recorder_note was told, or of a lost device. event: ROTA_EVIDENCE_*; tenant, ticket, code; hash and length: of
/// all of it; data: its first bytes.
#define ROTA_RECORD_EVIDENCE 8

/// Records are missing that nobody kept. event: ROTA_EVENT_GAP_*; lost: how many; fields: first_ns and
/// last_ns, which are mono_ns of the first and the last of them.
#define ROTA_RECORD_GAP 9

/// A moment without an open job, from which the log can be run again. epoch; length: of what buffers held;
/// hash: of the state, as docs/recorder-format.md has it; fields: before, which is the number of the first
/// record that it doesn't stand for, tenants and buffers, which are how many there were.
#define ROTA_RECORD_CHECKPOINT 10

/// A line for people. tenant, text.
#define ROTA_RECORD_NOTE 11

/// A cell without a record. event: ROTA_EVENT_VOID_*.
#define ROTA_RECORD_VOID 65536

/// Cells that give no record, from seq on. event: ROTA_EVENT_MISSING_*. Only with
/// ROTA_RECORDING_SALVAGE, but for ROTA_EVENT_MISSING_OVERWRITTEN and _INCOMPLETE.
#define ROTA_RECORD_MISSING 65537

/// A record of a kind that a later version has. event: the number of the kind; data: all bytes of it.
#define ROTA_RECORD_UNKNOWN 65538

/// ---- Events ------------------------------------------------------------------------------------
/// What a rota_record says in event; numbers that aren't here are of a later version.
///
/// With fields slots, opcodes and so on.
#define ROTA_EVENT_TENANT_CREATED 1

/// Its settings changed. This version doesn't record that.
#define ROTA_EVENT_TENANT_CHANGED 2

/// rota_tenant_drain.
#define ROTA_EVENT_TENANT_DRAINING 3

/// rota_tenant_revoke.
#define ROTA_EVENT_TENANT_REVOKED 4

/// rota_tenant_destroy.
#define ROTA_EVENT_TENANT_DESTROYED 5

/// rota_module_load.
#define ROTA_EVENT_MODULE_LOADED 1

/// rota_module_replace.
#define ROTA_EVENT_MODULE_REPLACED 2

/// rota_module_unload.
#define ROTA_EVENT_MODULE_UNLOADED 3

/// rota_runtime_module_grant, to the tenant.
#define ROTA_EVENT_MODULE_GRANTED 4

/// rota_buffer_create: length and read_only.
#define ROTA_EVENT_BUFFER_CREATED 1

/// rota_buffer_write: offset, length, and the hash of what is captured.
#define ROTA_EVENT_BUFFER_WRITTEN 2

/// rota_buffer_fill: offset, length and value.
#define ROTA_EVENT_BUFFER_FILLED 3

/// rota_buffer_grant: other_tenant has it as other_buffer, read_only or not.
#define ROTA_EVENT_BUFFER_GRANTED 4

/// rota_buffer_take_back, from other_tenant.
#define ROTA_EVENT_BUFFER_TAKEN_BACK 5

/// rota_buffer_destroy.
#define ROTA_EVENT_BUFFER_DESTROYED 6

/// rota_buffer_map: what the host writes there is not recorded.
#define ROTA_EVENT_BUFFER_MAPPED 7

/// rota_buffer_unmap.
#define ROTA_EVENT_BUFFER_UNMAPPED 8

/// rota_buffer_import: length and read_only; what the memory holds is not recorded.
#define ROTA_EVENT_BUFFER_IMPORTED 9

/// The disk could not follow: see ROTA_RECORDER_ALLOW_GAPS.
#define ROTA_EVENT_GAP_FULL 1

/// The same, in a run that did not close the log.
#define ROTA_EVENT_GAP_CRASH 2

/// It was reserved for a job that was refused.
#define ROTA_EVENT_VOID_DROPPED 1

/// It was reserved, and not recorded when the process ended.
#define ROTA_EVENT_VOID_UNCOMMITTED 2

/// It did not reach the disk whole before a crash.
#define ROTA_EVENT_VOID_LOST 3

/// Nothing was ever written there.
#define ROTA_EVENT_MISSING_HOLE 1

/// Half written.
#define ROTA_EVENT_MISSING_TORN 2

/// Damaged: it was on the disk, and has changed since.
#define ROTA_EVENT_MISSING_CORRUPT 3

/// An older cell is in its place.
#define ROTA_EVENT_MISSING_STALE 4

/// A newer cell is in its place: the log is being written, and faster than it is read.
#define ROTA_EVENT_MISSING_OVERWRITTEN 5

/// The cells are good, but others of the same record are not there.
#define ROTA_EVENT_MISSING_INCOMPLETE 6

/// ---- Replay options ----------------------------------------------------------------------------
///
/// As run of rota_replay_options: the last one.
#define ROTA_LAST_RUN UINT64_MAX

/// As flag of rota_replay_options: jobs that overlapped when they were recorded may overlap again. Without
/// it they run one after the other.
#define ROTA_REPLAY_AS_SUBMITTED 1

/// ---- Outcome of a replay -----------------------------------------------------------------------
///
/// Every job that could be compared came out the same.
#define ROTA_REPLAY_SAME 1

/// One came out differently, and nothing excuses it.
#define ROTA_REPLAY_DIFFERENT 2

/// What could be compared is the same, but something could not, for want of data or records.
#define ROTA_REPLAY_NOT_COMPARABLE 3

/// ---- What differs ------------------------------------------------------------------------------
///
/// The status.
#define ROTA_DIFFERS_STATUS 1

/// The fault.
#define ROTA_DIFFERS_FAULT 2

/// The results.
#define ROTA_DIFFERS_RESULTS 4

/// The digest of what it wrote.
#define ROTA_DIFFERS_DIGEST 8

/// ---- Numbers of metrics ------------------------------------------------------------------------
///
/// A time that was not observed: there is nothing that it could be of.
#define ROTA_NOT_OBSERVED UINT64_MAX

/// Bytes of a label in metrics, with its zero. Longer labels are cut, and end with a part of their hash.
#define ROTA_LABEL_BYTES 136

/// Buckets of a rota_latency: up to 2^10 ns, 2^12 ns and so on to 2^36 ns, and longer.
#define ROTA_LATENCY_BUCKETS 15

/// Buckets of rota_tenant_get_latency.
#define ROTA_HISTOGRAM_BUCKETS 242

/// Ways that a lease ends: elements of leases in rota_metrics.
#define ROTA_LEASE_ENDS 6

/// Kinds of decisions: elements of decisions in rota_metrics.
#define ROTA_ACTIONS 8

/// ---- How a lease ends --------------------------------------------------------------------------
///
/// As element of leases in rota_metrics: the lease before or behind it had ended.
#define ROTA_LEASE_ENDED 1

/// The host told it to.
#define ROTA_LEASE_STOPPED 2

/// Its fuel was used up.
#define ROTA_LEASE_FUEL 3

/// It found no work.
#define ROTA_LEASE_IDLE 4

/// A thread waited for a completion.
#define ROTA_LEASE_NOTIFY 5

/// ---- Decisions ---------------------------------------------------------------------------------
///
/// RESIDENT or BATCH, when the runtime was opened.
#define ROTA_ACTION_MODE_CHOSEN 0

/// How much fuel leases have from now on.
#define ROTA_ACTION_LEASE_TUNED 1

/// A narrow lease was ended for one with all workers.
#define ROTA_ACTION_LEASE_WIDENED 2

/// The kernel was parked although a tenant has jobs: its limits make it wait.
#define ROTA_ACTION_TENANT_THROTTLED 3

/// Leases run another kernel, or another table of handlers.
#define ROTA_ACTION_MODULE_SWITCHED 4

/// A kernel was compiled.
#define ROTA_ACTION_KERNEL_COMPILED 5

/// A kernel that had been compiled before was used again.
#define ROTA_ACTION_KERNEL_REUSED 6

/// The device on which kernels are tried out was given up after a failure.
#define ROTA_ACTION_TRIAL_RENEWED 7

/// ---- Formats of metrics ------------------------------------------------------------------------
///
/// The Prometheus text format: text/plain; version=0.0.4; charset=utf-8.
#define ROTA_METRICS_PROMETHEUS 0

/// OpenMetrics: application/openmetrics-text; version=1.0.0; charset=utf-8.
#define ROTA_METRICS_OPENMETRICS 1

/// JSON: application/json.
#define ROTA_METRICS_JSON 2

/// ---- Handles -----------------------------------------------------------------------------------
/// Opaque: the library looks them up and never follows them.
///
/// Why a call failed. It belongs to the caller, and to no thread.
typedef struct rota_error rota_error;

/// Where a provider tells its values.
typedef struct rota_metrics_sink rota_metrics_sink;

/// Holds what rota_buffers_read_into has read, one entry per read.
typedef struct rota_outputs rota_outputs;

/// The log of a flight recorder, open for reading.
typedef struct rota_recording rota_recording;

/// What came of running a log again.
typedef struct rota_replay rota_replay;

/// Some of a tenant's quota that a caller holds.
typedef struct rota_reservation rota_reservation;

/// One opened device with its kernel.
typedef struct rota_runtime rota_runtime;

/// An isolated client of a runtime: its own ring and buffers.
typedef struct rota_tenant rota_tenant;

/// ---- Types -------------------------------------------------------------------------------------
///
/// What every fallible call returns: one of ROTA_STATUS_*. The numbers never change.
typedef int32_t rota_status;

/// Gets one message: `text` is one line of `len` bytes, zero-terminated UTF-8, which lives until the function
/// returns. It may be called from any thread, from several at once, but never from inside
/// rota_submit. It must not call into Rota, throw, or jump out.
typedef void (*rota_log_fn)(void *user, uint32_t level, const char *text, size_t len);

/// One Vulkan device, as rota_devices_list found it. Texts are zero-terminated UTF-8, cut to fit.
typedef struct rota_device_info {
    /// sizeof(rota_device_info), which ROTA_DEVICE_INFO_INIT sets.
    size_t struct_size;
    /// What rota_runtime_options.device takes, as text.
    uint32_t index;
    /// One of ROTA_DEVICE_*.
    uint32_t kind;
    /// The device's name.
    char name[256];
    /// The driver's name.
    char driver[256];
    /// The driver's version, in its own words.
    char driver_info[256];
    /// The Vulkan version, packed as Vulkan does.
    uint32_t api_version;
    /// The vendor's PCI id, or one that Khronos gave out.
    uint32_t vendor_id;
    /// The vendor's number for the device.
    uint32_t device_id;
    /// Lanes of a worker.
    uint32_t subgroup_size;
    /// Memory that is local to the device, in bytes.
    uint64_t memory_bytes;
    /// 1 if Rota runs on it, else 0.
    uint32_t suitable;
    /// Why it isn't suitable; empty if it is.
    char reason[256];
    /// 0.
    uint32_t reserved;
} rota_device_info;

/// The most that a tenant, or all tenants of a runtime together, may have. ROTA_QUOTA_INIT limits
/// nothing. Other than elsewhere 0 is no default: it means none at all.
typedef struct rota_quota {
    /// sizeof(rota_quota), which ROTA_QUOTA_INIT sets.
    size_t struct_size;
    /// Slots in use.
    uint64_t slots;
    /// Bytes that the host copies at the same time.
    uint64_t staging_bytes;
    /// Buffers.
    uint64_t buffers;
    /// Bytes of buffers.
    uint64_t buffer_bytes;
    /// Loaded modules.
    uint64_t modules;
    /// Loop iterations a lane of a job may run. A job that asks for more is refused; a default is
    /// lowered to it. With 0 every job is refused.
    uint64_t fuel_per_job;
    /// Loop iterations that all jobs together may run in a second. With 0 every job is refused.
    uint64_t fuel_per_second;
} rota_quota;

/// How a flight recorder is doing. Cells are what a log is made of, 128 bytes each: a job and a
/// completion take one, other records one or more. They are numbered from 1 on, and the numbers go on
/// from run to run. A number that ends a range is the first beyond it.
typedef struct rota_recorder_state {
    /// sizeof(rota_recorder_state), which ROTA_RECORDER_STATE_INIT sets.
    size_t struct_size;
    /// Bytes of the log.
    uint64_t capacity_bytes;
    /// Cells of the log.
    uint64_t capacity_cells;
    /// The lowest number that is in the log.
    uint64_t oldest_seq;
    /// All below are recorded, or about to be.
    uint64_t next_seq;
    /// All below are in the file.
    uint64_t written_seq;
    /// All below are durable: a power cut can take no more than the cells from here to next_seq.
    uint64_t durable_seq;
    /// How often the log was opened for recording.
    uint64_t run;
    /// Which log it is, of those that were in this file one after the other.
    uint32_t generation;
    /// 1 if the log was there, and not with the capacity that the options ask for; else 0.
    uint32_t kept_capacity;
    /// 1 if the log was there before, else 0.
    uint32_t existed;
    /// 1 if the run before did not close it, else 0.
    uint32_t crashed;
    /// Cells of that run that were not in the file yet, and are now.
    uint64_t recovered;
    /// Cells of that run that were lost.
    uint64_t voided;
    /// How often somebody had to wait for the disk.
    uint64_t stalls;
    /// How long together, in nanoseconds.
    uint64_t stall_ns;
    /// Records that found no room, with ROTA_RECORDER_ALLOW_GAPS.
    uint64_t refused;
    /// Records that tell of these.
    uint64_t gaps;
    /// Cells lost after an error of the disk.
    uint64_t lost;
    /// Bytes of cells that went to the file in this run.
    uint64_t bytes;
    /// How often the file was made durable in this run.
    uint64_t syncs;
    /// Modules and captured data that are kept.
    uint64_t objects;
    /// Their bytes.
    uint64_t object_bytes;
    /// How many could not be kept.
    uint64_t lost_objects;
    /// Checkpoints that were taken: from the last ones on a log can be run again whose beginning is
    /// overwritten.
    uint64_t checkpoints;
    /// Checkpoints that could not be taken.
    uint64_t failed_checkpoints;
    /// 1 if an error of the disk has ended the recording, else 0.
    uint32_t failed;
    /// The errno of that error; 0 if it had none.
    int32_t os_error;
    /// The first cell that may not be in the file because of it.
    uint64_t failed_seq;
} rota_recorder_state;

/// A request. ROTA_JOB_INIT is a NOP with one tile.
typedef struct rota_job {
    /// Which handler runs it.
    uint32_t opcode;
    /// ROTA_JOB_* together.
    uint32_t flags;
    /// At least 1; exactly 1 for a scalar handler.
    uint32_t tiles;
    /// Loop iterations that it may take, per tile. 0: the default.
    uint32_t fuel;
    /// What the handler says.
    uint32_t args[10];
    /// Comes back in the completion; the device never sees it.
    uint64_t user_data;
} rota_job;

/// Where a job belongs in a trace, as W3C's trace context tells it. All zero: it has none.
typedef struct rota_trace_context {
    /// The trace.
    uint8_t trace_id[16];
    /// The caller's span, whose child the job's span is.
    uint8_t parent_id[8];
    /// ROTA_TRACE_SAMPLED, or 0.
    uint64_t flags;
} rota_trace_context;

/// Names a submitted job; never 0. Tickets of one tenant don't repeat.
typedef uint64_t rota_ticket;

/// How the spans of a runtime are doing.
typedef struct rota_span_stats {
    /// sizeof(rota_span_stats), which ROTA_SPAN_STATS_INIT sets.
    size_t struct_size;
    /// Spans that were put into the queue.
    uint64_t pushed;
    /// Spans that found no room there.
    uint64_t dropped;
    /// Spans that exporters took; each counts for each exporter.
    uint64_t exported;
    /// Spans that were given up, likewise.
    uint64_t failed;
    /// Exports that failed.
    uint64_t failures;
    /// Exports that were tried again.
    uint64_t retries;
    /// Spans in the queue now.
    uint64_t queued;
    /// Spans that fit into it.
    uint64_t capacity;
    /// Which part of it is in use.
    double utilisation;
    /// Which part of all spans was dropped.
    double drop_rate;
} rota_span_stats;

/// How the jobs of a runtime are recorded. ROTA_RECORDER_OPTIONS_INIT has defaults for all but the path.
typedef struct rota_recorder_options {
    /// sizeof(rota_recorder_options), which ROTA_RECORDER_OPTIONS_INIT sets.
    size_t struct_size;
    /// The log: a file that is made, or a log that is there and goes on. What is too large for it lies in
    /// the folder of that name with ".objects" behind it.
    const char *path;
    /// Bytes of path.
    size_t path_len;
    /// Bytes of a new log, 64 KiB to 1 TiB: when it is full the oldest records are overwritten. One that is
    /// there keeps its own. With ROTA_CAPTURE_FULL at least 4 MiB. 0: 256 MiB, about a million jobs.
    uint64_t capacity_bytes;
    /// One of ROTA_CAPTURE_*.
    uint32_t capture;
    /// ROTA_RECORDER_* together.
    uint32_t flags;
    /// The most bytes of modules and captured data. 0: 1 GiB.
    uint64_t object_bytes;
    /// How long after a record it is made durable, in nanoseconds. 0: 100 ms.
    uint64_t sync_interval_ns;
    /// After how many records it is made durable at the latest. 0: only time counts.
    uint64_t sync_records;
    /// A folder in memory where records wait for the disk. NULL: /dev/shm.
    const char *stage_dir;
    /// Bytes of stage_dir.
    size_t stage_dir_len;
} rota_recorder_options;

/// Which jobs of a runtime have spans, and where these go. ROTA_SPAN_OPTIONS_INIT has defaults for all
/// but that: OTLP, a file, or both.
typedef struct rota_span_options {
    /// sizeof(rota_span_options), which ROTA_SPAN_OPTIONS_INIT sets.
    size_t struct_size;
    /// ROTA_SPANS_* together, or 0.
    uint32_t exporters;
    /// One of ROTA_SAMPLER_*.
    uint32_t sampler;
    /// For the samplers by ratio: from 0 for none to 1 for all.
    double sample_ratio;
    /// Where OTLP goes: an http URL with its path. NULL: $OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, else
    /// $OTEL_EXPORTER_OTLP_ENDPOINT with /v1/traces behind it, else http://localhost:4318/v1/traces.
    const char *endpoint;
    /// Bytes of endpoint.
    size_t endpoint_len;
    /// The name of the service. NULL: $OTEL_SERVICE_NAME, else the program's.
    const char *service;
    /// Bytes of service.
    size_t service_len;
    /// A file for Chrome's trace viewer or Perfetto; one that is there is overwritten, and %p in it stands
    /// for the process id. NULL: none.
    const char *path;
    /// Bytes of path.
    size_t path_len;
    /// Spans that can wait to be exported, 1 to 1,048,576: ROTA_SPAN_OPTIONS_INIT says 8,192. Those that
    /// find no room are dropped, and counted.
    uint32_t queue;
    /// Spans that are exported together, 1 to queue: ROTA_SPAN_OPTIONS_INIT says 100.
    uint32_t batch;
    /// How long a span waits for its batch to become full, in nanoseconds. 0: 10 ms.
    uint64_t delay_ns;
    /// How long a batch is tried, in nanoseconds. 0: 30 s.
    uint64_t timeout_ns;
} rota_span_options;

/// How to open a runtime. ROTA_RUNTIME_OPTIONS_INIT asks for defaults everywhere.
typedef struct rota_runtime_options {
    /// sizeof(rota_runtime_options), which ROTA_RUNTIME_OPTIONS_INIT sets.
    size_t struct_size;
    /// An index ("0"), a kind ("cpu", "integrated", "discrete", "virtual"), or part of the name.
    /// NULL: $ROTA_DEVICE, and without it the best device.
    const char *device;
    /// Bytes of device.
    size_t device_len;
    /// One of ROTA_MODE_*.
    uint32_t mode;
    /// Workers of a wide lease, at most 256. 0: what suits the device.
    uint32_t workers;
    /// How long the kernel looks for work before it parks, in nanoseconds. 0: 200 us;
    /// ROTA_FOREVER: it never parks.
    uint64_t idle_limit_ns;
    /// Most tenants at once. 0: 4,096, or what fits the device.
    uint32_t max_tenants;
    /// Slots of a tenant's ring where the tenant doesn't say; a power of two. 0: 1,024.
    uint32_t slots;
    /// Device memory to allocate at once, in bytes; more comes as it is needed. 0: one segment.
    uint64_t memory_bytes;
    /// Folder of the pipeline cache. NULL: $ROTA_CACHE_DIR, and without it rota/ in the user's
    /// cache folder.
    const char *cache_dir;
    /// Bytes of cache_dir.
    size_t cache_dir_len;
    /// ROTA_RUNTIME_* together.
    uint32_t flags;
    /// Where the rings start counting, below 2^31. Tests start just below the wrap.
    uint32_t first_position;
    /// Loop iterations after which a lease ends. 0: tuned to the device.
    uint32_t lease_fuel;
    /// Loop iterations that a lane of any job may be given at most. 0, or more than the device can run
    /// in one go: just that.
    uint32_t most_fuel;
    /// The most that all tenants together may have; only read while the runtime is opened. NULL: no
    /// limit.
    const struct rota_quota *quota;
    /// How its jobs are recorded; only read while the runtime is opened. NULL: what $ROTA_RECORD and
    /// $ROTA_CAPTURE say, and without them not at all.
    const struct rota_recorder_options *recorder;
    /// Labels of tenants that have a series of their own in the metrics, at most 65,535; all others share
    /// one. 0: 1,024.
    uint32_t max_series;
    /// 0.
    uint32_t reserved;
    /// Where a Unix socket is made, for this user only, through which `rota top` and other programs
    /// look at the metrics until the runtime is stopped; at most 107 bytes. NULL: what
    /// $ROTA_METRICS_SOCKET says, and without it none. docs/metrics.md tells what it says.
    const char *metrics_socket;
    /// Bytes of metrics_socket.
    size_t metrics_socket_len;
    /// Which of its jobs have spans, and where these go; only read while the runtime is opened. NULL: OTLP
    /// where $OTEL_TRACES_EXPORTER is otlp, the file that $ROTA_SPANS names, and without them none.
    const struct rota_span_options *spans;
} rota_runtime_options;

/// What a runtime is and has done. Texts are zero-terminated UTF-8, cut to fit.
typedef struct rota_runtime_info {
    /// sizeof(rota_runtime_info), which ROTA_RUNTIME_INFO_INIT sets.
    size_t struct_size;
    /// The device's name.
    char device_name[256];
    /// The driver's name.
    char driver[256];
    /// The driver's version, in its own words.
    char driver_info[256];
    /// The mode it runs in: ROTA_MODE_RESIDENT or ROTA_MODE_BATCH.
    uint32_t mode;
    /// Lanes of a worker.
    uint32_t subgroup_size;
    /// Workers of a lease.
    uint32_t workers;
    /// Loop iterations after which the driver cuts every loop short; 0: it doesn't.
    uint32_t loop_cap;
    /// Most tenants at once.
    uint32_t max_tenants;
    /// Slots of a tenant's ring where the tenant doesn't say.
    uint32_t slots;
    /// Memory of all rings, in bytes.
    uint64_t ring_bytes;
    /// Size of one segment, in bytes.
    uint64_t segment_bytes;
    /// Segments allocated.
    uint64_t segments;
    /// Leases launched.
    uint64_t leases;
    /// Times that a submit woke the parked kernel.
    uint64_t wakes;
    /// Times that the kernel was parked.
    uint64_t parks;
    /// Jobs completed, of every tenant and with every status; counted when their lease ends.
    uint64_t jobs_completed;
    /// Tiles completed, counted in the same way.
    uint64_t tiles_completed;
    /// 1 while parked, else 0.
    uint32_t parked;
    /// 1 if the probe saw that the device can poll live, else 0.
    uint32_t live_polling;
    /// Completion records that the probe saw torn.
    uint32_t torn_records;
    /// Tenants that there are.
    uint32_t tenants;
    /// How long opening took, in nanoseconds.
    uint64_t open_ns;
    /// How much of that went into compiling the kernel.
    uint64_t compile_ns;
    /// The most fuel that a scalar job may ask for.
    uint32_t most_scalar_fuel;
    /// The most fuel that a tiled job may ask for.
    uint32_t most_tile_fuel;
    /// Leases that ended early so that a blocked thread hears of a completion at once.
    uint64_t leases_notified;
    /// How many tenants with rings of `slots` fit into the memory of all rings.
    uint32_t tenants_fit;
    /// 0.
    uint32_t reserved;
} rota_runtime_info;

/// How to create a tenant. ROTA_TENANT_OPTIONS_INIT asks for defaults everywhere.
typedef struct rota_tenant_options {
    /// sizeof(rota_tenant_options), which ROTA_TENANT_OPTIONS_INIT sets.
    size_t struct_size;
    /// A name for logs and tools. NULL: none.
    const char *label;
    /// Bytes of label.
    size_t label_len;
    /// Slots of the ring, which is how many jobs can be open; a power of two. 0: the runtime's.
    uint32_t slots;
    /// How many opcodes it has for handlers that it loads, from ROTA_FIRST_OPCODE on; at most
    /// 65,536. 0: 4,096.
    uint32_t opcodes;
    /// Loop iterations a lane may run where neither job nor handler say. 0: 8,000 for a scalar job,
    /// 3,000 for a tile, or what the device can run in one go.
    uint32_t fuel;
    /// How much of the device it gets where others want it too, relative to their weights: 1 to 10,000.
    /// 0: 100.
    uint32_t weight;
    /// ROTA_CLASS_NORMAL, _INTERACTIVE or _BACKGROUND.
    uint32_t latency_class;
    /// Thousandths of the device's time that it may use, also where nobody else wants it. 0: all.
    uint32_t share_permille;
    /// An exclusion group: tenants with the same number never have jobs running at the same time. At most
    /// the runtime's max_tenants. 0: none.
    uint32_t group;
    /// 0.
    uint32_t reserved;
    /// The most that it may have; only read while it is created. NULL: no limit.
    const struct rota_quota *quota;
} rota_tenant_options;

/// What a tenant has done since it was created, and what it has now. Arrays by resource are in the
/// order of ROTA_RESOURCE_*.
typedef struct rota_tenant_counters {
    /// sizeof(rota_tenant_counters), which ROTA_TENANT_COUNTERS_INIT sets.
    size_t struct_size;
    /// Its id: rota_tenant_id.
    uint64_t id;
    /// Jobs accepted.
    uint64_t submitted;
    /// Jobs completed, taken or not.
    uint64_t completed;
    /// Completions taken, by status: ROTA_COMPLETION_*.
    uint64_t taken[8];
    /// Completions taken, by fault: ROTA_FAULT_*; the last is for handlers' own codes.
    uint64_t faulted[16];
    /// Loop iterations of its jobs, over all lanes and tiles; those of a claim count when it has ended.
    uint64_t fuel;
    /// Tiles of the tiled jobs accepted.
    uint64_t tiles;
    /// Bytes that the host wrote into buffers.
    uint64_t bytes_in;
    /// Bytes that the host read out of buffers.
    uint64_t bytes_out;
    /// What a quota refused, by resource.
    uint64_t refused[ROTA_RESOURCES];
    /// What is in use, by resource; 0 for fuel.
    uint64_t used[ROTA_RESOURCES];
    /// What the tenant's quota allows, by resource; of slots at most the ring's.
    uint64_t cap[ROTA_RESOURCES];
    /// Jobs accepted whose completion, or one before it, was not taken.
    uint64_t outstanding;
    /// Jobs accepted that have not completed.
    uint64_t lag;
    /// Calls of rota_tenant_quiesce and rota_tenant_drain that have returned.
    uint64_t quiesces;
    /// Of those, how many returned TIMEOUT.
    uint64_t quiesce_timeouts;
    /// How long they took together, in nanoseconds.
    uint64_t quiesce_ns;
} rota_tenant_counters;

/// The answer to a job.
typedef struct rota_completion {
    /// Which job.
    uint64_t ticket;
    /// The job's.
    uint64_t user_data;
    /// One of ROTA_COMPLETION_*.
    uint32_t status;
    /// One of ROTA_FAULT_*, or ROTA_FAULT_HANDLER + the handler's own code.
    uint32_t fault;
    /// What the handler says; 0 unless the status is OK.
    uint32_t results[2];
    /// Loop iterations that it took, with ROTA_JOB_TIMING; else 0.
    uint32_t fuel;
    /// The version of the module that ran it, with ROTA_JOB_TIMING; 0 for the standard handlers.
    uint32_t module_version;
    /// The epoch in which it began, with ROTA_JOB_TIMING; else 0.
    uint64_t begin_epoch;
    /// The epoch in which it ended, with ROTA_JOB_TIMING; else 0.
    uint64_t end_epoch;
    /// A digest of all that it stored, where digests are made; else 0. Independent of order, unless
    /// ROTA_DIGEST_ORDER_DEPENDENT is set in it.
    uint64_t digest;
} rota_completion;

/// One handler of a module.
typedef struct rota_handler {
    /// What jobs name it by: ROTA_FIRST_OPCODE and up, in the tenant's window.
    uint32_t opcode;
    /// One of ROTA_HANDLER_*.
    uint32_t kind;
    /// The function in the module's source, without parameters or result.
    const char *function;
    /// Bytes of function.
    size_t function_len;
    /// Loop iterations a lane may run where the job doesn't say. 0: the tenant's default.
    uint32_t fuel;
    /// 0.
    uint32_t reserved;
} rota_handler;

/// A module to load. ROTA_MODULE_OPTIONS_INIT is empty.
typedef struct rota_module_options {
    /// sizeof(rota_module_options), which ROTA_MODULE_OPTIONS_INIT sets.
    size_t struct_size;
    /// A name for people: messages about the source begin with it. NULL: "module".
    const char *label;
    /// Bytes of label.
    size_t label_len;
    /// WGSL, in UTF-8. docs/handlers.md says what a handler can use.
    const char *source;
    /// Bytes of source.
    size_t source_len;
    /// What of the source can be called.
    const struct rota_handler *handlers;
    /// Elements of handlers, 1 to 64.
    size_t handler_count;
} rota_module_options;

/// A loaded module: a number, never 0.
typedef uint32_t rota_module;

/// What loading a module took.
typedef struct rota_module_report {
    /// sizeof(rota_module_report), which ROTA_MODULE_REPORT_INIT sets.
    size_t struct_size;
    /// 1 for a module just loaded; each replacement is one more.
    uint32_t version;
    /// 0.
    uint32_t reserved;
    /// Parsing and verifying the source, in nanoseconds.
    uint64_t verify_ns;
    /// Composing the kernel with it.
    uint64_t compose_ns;
    /// The driver's compiler, and a trial run beside the running kernel. Composing and compiling take
    /// no time where the same kernel was made before.
    uint64_t compile_ns;
    /// Until no lease ran the old kernel any more.
    uint64_t switch_ns;
} rota_module_report;

/// Names a buffer of a tenant; never 0. Jobs carry it as one argument.
typedef uint32_t rota_buffer;

/// A range of a buffer to read.
typedef struct rota_read {
    /// Which buffer.
    uint32_t buffer;
    /// 0.
    uint32_t reserved;
    /// In bytes.
    uint64_t offset;
    /// In bytes; may be 0.
    uint64_t len;
} rota_read;

/// What the last rota_buffers_read_into did with the memory of the outputs. An entry is reused if
/// its allocation was large enough, moved if it got a larger one, appended if it was not there
/// before.
typedef struct rota_outputs_stats {
    /// sizeof(rota_outputs_stats), which ROTA_OUTPUTS_STATS_INIT sets.
    size_t struct_size;
    /// Entries.
    uint64_t slots_total;
    /// Entries reused.
    uint64_t slots_reused;
    /// Entries moved.
    uint64_t slots_moved;
    /// Entries appended.
    uint64_t slots_appended;
    /// Bytes read.
    uint64_t bytes_incoming;
    /// Of these, bytes that went into reused entries.
    uint64_t bytes_copied;
    /// Of these, bytes that went into moved entries.
    uint64_t bytes_moved;
    /// Of these, bytes that went into appended entries.
    uint64_t bytes_appended;
    /// Bytes allocated for all entries, used or not.
    uint64_t bytes_retained;
} rota_outputs_stats;

/// What a log says of itself, and what was read of it so far. Cells are as in rota_recorder_state.
typedef struct rota_recording_info {
    /// sizeof(rota_recording_info), which ROTA_RECORDING_INFO_INIT sets.
    size_t struct_size;
    /// Bytes of the log, as its header says.
    uint64_t capacity_bytes;
    /// Cells of the log.
    uint64_t capacity_cells;
    /// The bytes that are there, if it was cut off; 0 if it is whole.
    uint64_t cut_to;
    /// How often it was opened for recording.
    uint64_t run;
    /// When it was made, in nanoseconds since 1970.
    uint64_t created_ns;
    /// The lowest number that can be there.
    uint64_t oldest_seq;
    /// The number behind the highest that was there when the recording was opened.
    uint64_t next_seq;
    /// All below were durable when the header was written.
    uint64_t durable_seq;
    /// Records that were refused for want of room, and that no ROTA_RECORD_GAP tells of.
    uint64_t untold;
    /// Which log it is, of those that were in this file one after the other.
    uint32_t generation;
    /// The process that records into it or did so last.
    uint32_t pid;
    /// 1 if it was closed; 0 if it is being recorded into, or a crash has ended the run.
    uint32_t clean;
    /// 1 if there are records in memory that the disk has not got yet, else 0.
    uint32_t staged;
    /// Records read so far.
    uint64_t records;
    /// Good cells read so far.
    uint64_t good;
    /// Of these, cells without a record.
    uint64_t void_cells;
    /// Cells read so far that are ROTA_EVENT_MISSING_INCOMPLETE.
    uint64_t incomplete;
    /// ROTA_EVENT_MISSING_HOLE.
    uint64_t holes;
    /// ROTA_EVENT_MISSING_TORN.
    uint64_t torn;
    /// ROTA_EVENT_MISSING_CORRUPT.
    uint64_t corrupt;
    /// ROTA_EVENT_MISSING_STALE.
    uint64_t stale;
    /// ROTA_EVENT_MISSING_OVERWRITTEN.
    uint64_t overwritten;
} rota_recording_info;

/// One record of a log: its kind says which fields it sets. All others are 0.
typedef struct rota_record {
    /// sizeof(rota_record), which ROTA_RECORD_INIT sets.
    size_t struct_size;
    /// One of ROTA_RECORD_*.
    uint32_t kind;
    /// What happened: see the kind.
    uint32_t event;
    /// The number of its first cell.
    uint64_t seq;
    /// How many cells it has.
    uint64_t cells;
    /// When it was recorded: CLOCK_MONOTONIC, comparable within a boot of the machine.
    uint64_t mono_ns;
    /// The same in nanoseconds since 1970, as the clock was then.
    uint64_t wall_ns;
    /// Whose: as rota_tenant_id. 0: the runtime's.
    uint64_t tenant;
    /// Which job it is about; 0 for none.
    uint64_t ticket;
    /// Jobs that had ended by this epoch have ended before this began: see end_epoch of their completions.
    uint64_t epoch;
    /// How many jobs the tenant had submitted when this happened.
    uint64_t tail;
    /// The job, as it was submitted.
    struct rota_job job;
    /// The completion, as it was taken, with all epochs. user_data is 0: the job has it.
    struct rota_completion completion;
    /// Which buffer.
    uint32_t buffer;
    /// The buffer that another tenant got.
    uint32_t other_buffer;
    /// The tenant that got it, or that it was taken back from.
    uint64_t other_tenant;
    /// In bytes.
    uint64_t offset;
    /// In bytes.
    uint64_t length;
    /// The byte that it was filled with.
    uint32_t value;
    /// 1 if jobs may not write the buffer, else 0.
    uint32_t read_only;
    /// Which module.
    uint32_t module;
    /// Which version of it.
    uint32_t version;
    /// How many records are missing.
    uint64_t lost;
    /// The code that rota_recorder_note got, or a VkResult.
    int32_t code;
    /// 1 if hash is one, else 0.
    uint32_t has_hash;
    /// The BLAKE3 hash of what rota_recording_get_object gives, if it was kept.
    uint8_t hash[32];
    /// Zero-terminated UTF-8; never NULL.
    const char *text;
    /// Bytes of text without the zero.
    size_t text_len;
    /// Bytes of any kind; NULL if there are none.
    const void *data;
    /// Bytes of data.
    size_t data_len;
    /// How many there are for rota_recording_get_field.
    size_t field_count;
} rota_record;

/// A name and what it is set to, both zero-terminated UTF-8.
typedef struct rota_field {
    /// The name.
    const char *name;
    /// Bytes of name without the zero.
    size_t name_len;
    /// The value.
    const char *value;
    /// Bytes of value without the zero.
    size_t value_len;
} rota_field;

/// Hears how far a replay has come: `done` of `all` steps, now and then and at the end. It is called by
/// the thread that has called rota_replay_run, and must not throw or jump out.
typedef void (*rota_progress_fn)(void *user, uint64_t done, uint64_t all);

/// What is to be run again, and how. ROTA_REPLAY_OPTIONS_INIT is the last run, on the best device.
typedef struct rota_replay_options {
    /// sizeof(rota_replay_options), which ROTA_REPLAY_OPTIONS_INIT sets.
    size_t struct_size;
    /// The log.
    const char *path;
    /// Bytes of path.
    size_t path_len;
    /// Which run, from 0 on, of those that the log has the beginning or a checkpoint of. ROTA_LAST_RUN:
    /// the last.
    uint64_t run;
    /// The runtime to run it on. What the log says of rings and memory goes before what stands here, and
    /// nothing is recorded. NULL: defaults everywhere.
    const struct rota_runtime_options *runtime;
    /// A folder with the data that the log doesn't have, in files of any name. NULL: none.
    const char *data_dir;
    /// Bytes of data_dir.
    size_t data_dir_len;
    /// Opcodes of handlers that may come out differently each time.
    const uint32_t *not_deterministic;
    /// Elements of not_deterministic.
    size_t not_deterministic_count;
    /// How many jobs rota_replay_get_before has at most.
    uint32_t context;
    /// ROTA_REPLAY_AS_SUBMITTED or 0.
    uint32_t flags;
    /// Hears of progress. NULL: nobody does.
    rota_progress_fn progress;
    /// What progress gets first.
    void *user;
} rota_replay_options;

/// A job of a log.
typedef struct rota_replay_job {
    /// The number of its record: rota_recording_seek finds it.
    uint64_t seq;
    /// Whose it was, as rota_tenant_id said then.
    uint64_t tenant;
    /// Its ticket then.
    rota_ticket ticket;
    /// The job.
    struct rota_job job;
} rota_replay_job;

/// What a replay has found. Texts are zero-terminated UTF-8, cut to fit.
typedef struct rota_replay_report {
    /// sizeof(rota_replay_report), which ROTA_REPLAY_REPORT_INIT sets.
    size_t struct_size;
    /// One of ROTA_REPLAY_*.
    uint32_t outcome;
    /// What differs in the first job that came out differently: ROTA_DIFFERS_* together. 0: there is none.
    uint32_t differs;
    /// The device that it was recorded on.
    char recorded_on[256];
    /// The device that it ran again on.
    char device[256];
    /// Jobs in the log.
    uint64_t jobs;
    /// Jobs that ran again and were compared.
    uint64_t compared;
    /// Of these, how many came out the same.
    uint64_t same;
    /// How many differently, with nothing that excuses it.
    uint64_t different;
    /// How many differently that ran beside another job which may have been why: both name a buffer that
    /// one of them may write.
    uint64_t concurrent;
    /// How many differently that name a buffer which another such job may have written.
    uint64_t followed;
    /// How many differently of handlers in not_deterministic.
    uint64_t not_deterministic;
    /// How many in nothing but a digest with ROTA_DIGEST_ORDER_DEPENDENT.
    uint64_t order_dependent;
    /// Jobs that ran beside such another one, whatever came of them.
    uint64_t overlapping;
    /// Jobs that began in another order among themselves than then. That is no difference.
    uint64_t rescheduled;
    /// Jobs that had not run to their end in the log, or whose completion was never taken.
    uint64_t not_ended;
    /// Jobs not compared because they name a buffer which one of those may have written.
    uint64_t behind_unended;
    /// Jobs not compared because they depend on data that isn't there, or because this device can't run
    /// them.
    uint64_t without_data;
    /// Data that was looked for and isn't there, or that was never captured.
    uint64_t missing_data;
    /// Records that are missing in the log.
    uint64_t missing_records;
    /// Completions of jobs that the log doesn't have.
    uint64_t strays;
    /// The first job that came out differently.
    struct rota_replay_job first;
    /// What came of it then. user_data is 0 in both.
    struct rota_completion recorded;
    /// What came of it now.
    struct rota_completion replayed;
} rota_replay_report;

/// How many jobs with an opcode came out differently.
typedef struct rota_replay_count {
    /// Which opcode.
    uint32_t opcode;
    /// 0.
    uint32_t reserved;
    /// How many, without those that something excuses.
    uint64_t jobs;
} rota_replay_count;

/// What tenants have done, and what they have now. Arrays by resource are in the order of ROTA_RESOURCE_*.
/// This struct never grows, nor do rota_latency and rota_ages: what is new comes in those that they are part of.
typedef struct rota_counts {
    /// The tenant's id, if it is about just one: rota_tenant_id.
    uint64_t id;
    /// Jobs accepted.
    uint64_t submitted;
    /// Jobs completed, taken or not.
    uint64_t completed;
    /// Completions taken, by status: ROTA_COMPLETION_*.
    uint64_t taken[8];
    /// Completions taken, by fault: ROTA_FAULT_*; the last is for handlers' own codes.
    uint64_t faulted[16];
    /// Loop iterations of the jobs, over all lanes and tiles.
    uint64_t fuel;
    /// Tiles of the tiled jobs accepted.
    uint64_t tiles;
    /// Bytes that the host wrote into buffers.
    uint64_t bytes_in;
    /// Bytes that the host read out of buffers.
    uint64_t bytes_out;
    /// What a quota refused, by resource.
    uint64_t refused[ROTA_RESOURCES];
    /// What is in use now, by resource; 0 for fuel.
    uint64_t used[ROTA_RESOURCES];
    /// What may be in use now, by resource.
    uint64_t cap[ROTA_RESOURCES];
    /// Jobs accepted whose completion, or one before it, was not taken, now.
    uint64_t outstanding;
    /// Jobs accepted that have not completed, now.
    uint64_t lag;
    /// Calls of rota_tenant_quiesce and rota_tenant_drain that have returned.
    uint64_t quiesces;
    /// Of those, how many returned TIMEOUT.
    uint64_t quiesce_timeouts;
    /// How long they took together, in nanoseconds.
    uint64_t quiesce_ns;
} rota_counts;

/// How long jobs took, from submit until their completions were taken. Of jobs that are submitted one by
/// one each eighth is counted, of others all.
typedef struct rota_latency {
    /// Jobs by how long they took: buckets[i] up to 2^(10 + 2 i) ns, the last all that took longer.
    uint64_t buckets[ROTA_LATENCY_BUCKETS];
    /// How long they took together, in nanoseconds.
    uint64_t sum_ns;
} rota_latency;

/// How old the oldest jobs are, in nanoseconds since they were submitted; ROTA_NOT_OBSERVED where there
/// are none.
typedef struct rota_ages {
    /// Of those that no worker has begun.
    uint64_t queued_ns;
    /// Of those that run. It may be less where many completions before them are not taken.
    uint64_t running_ns;
    /// Of those that have completed and are not taken.
    uint64_t untaken_ns;
} rota_ages;

/// One series: the tenants of one label.
typedef struct rota_tenant_metrics {
    /// sizeof(rota_tenant_metrics), which ROTA_TENANT_METRICS_INIT sets.
    size_t struct_size;
    /// The label; "__overflow__" for all that have no series of their own.
    char label[ROTA_LABEL_BYTES];
    /// Tenants that are there now.
    uint64_t tenants;
    /// Sums over the tenants of the series, also those that are gone; what is in use, caps, outstanding
    /// and lag over those that are there. The id is that of the tenant, if there is just one now.
    struct rota_counts counts;
    /// Sums over the same.
    struct rota_latency latency;
    /// Of the oldest of all.
    struct rota_ages ages;
} rota_tenant_metrics;

/// A handler, or more of one name in modules of one label.
typedef struct rota_handler_metrics {
    /// sizeof(rota_handler_metrics), which ROTA_HANDLER_METRICS_INIT sets.
    size_t struct_size;
    /// The module's label; "rota" for the standard handlers.
    char module[ROTA_LABEL_BYTES];
    /// The function's name.
    char handler[ROTA_LABEL_BYTES];
    /// Completions taken.
    uint64_t calls;
    /// Of those, the ones with a fault.
    uint64_t faults;
    /// Loop iterations of the jobs whose completions tell it: those with ROTA_JOB_TIMING.
    uint64_t fuel;
} rota_handler_metrics;

/// A name and a value of a provider.
typedef struct rota_metrics_value {
    /// sizeof(rota_metrics_value), which ROTA_METRICS_VALUE_INIT sets.
    size_t struct_size;
    /// The name.
    char name[264];
    /// The value.
    double value;
} rota_metrics_value;

/// What is counted for a runtime as a whole.
typedef struct rota_metrics {
    /// sizeof(rota_metrics), which ROTA_METRICS_INIT sets.
    size_t struct_size;
    /// Nanoseconds since the runtime was opened.
    uint64_t at_ns;
    /// Sums over all series. The id is 0.
    struct rota_counts all;
    /// Sums over the same.
    struct rota_latency latency;
    /// Of the oldest of all.
    struct rota_ages ages;
    /// Tenants that are there now.
    uint64_t tenants;
    /// Series of tenants, the overflow's among them if it has any.
    uint64_t series;
    /// Labels that can have a series of their own.
    uint64_t max_series;
    /// Tenants that found no series of their own.
    uint64_t overflowed;
    /// Leases by how they ended: ROTA_LEASE_*.
    uint64_t leases[ROTA_LEASE_ENDS];
    /// Times that the kernel was woken.
    uint64_t wakes;
    /// Times that it was parked.
    uint64_t parks;
    /// Rounds of workers that found work; this and the next three are counted when leases end.
    uint64_t rounds_busy;
    /// Those that found none.
    uint64_t rounds_idle;
    /// Claims of workers that went well.
    uint64_t claims_won;
    /// Those in which another worker was quicker.
    uint64_t claims_lost;
    /// Results that rota_buffers_read_into has read.
    uint64_t outputs_slots_total;
    /// Of those, into slots whose memory was large enough.
    uint64_t outputs_slots_reused;
    /// Into slots that had to get larger memory elsewhere.
    uint64_t outputs_slots_moved;
    /// Into slots that were new.
    uint64_t outputs_slots_appended;
    /// Bytes that it has read.
    uint64_t outputs_bytes_incoming;
    /// Bytes read into reused memory.
    uint64_t outputs_bytes_copied;
    /// Bytes read into moved slots.
    uint64_t outputs_bytes_moved;
    /// Bytes read into new slots.
    uint64_t outputs_bytes_appended;
    /// Bytes that all outputs hold on to now, used or not.
    uint64_t outputs_bytes_retained;
    /// Batches with jobs that wait for those before them.
    uint64_t batches_split;
    /// The parts that those batches were split into.
    uint64_t segments;
    /// Jobs with ROTA_JOB_BARRIER or ROTA_JOB_AFTER_OK.
    uint64_t barrier_points;
    /// Kernels compiled.
    uint64_t compiles;
    /// Kernels that were there, compiled before.
    uint64_t cache_hits;
    /// How long compiling took, in nanoseconds.
    uint64_t compile_ns;
    /// How long it took until no lease ran the kernel before any more, in nanoseconds.
    uint64_t switch_ns;
    /// Modules loaded now.
    uint64_t modules;
    /// Records of the flight recorder in this run, of which a long one counts for each of its cells; this
    /// and what follows of it are 0 without one.
    uint64_t recorder_records;
    /// Bytes that went to its file.
    uint64_t recorder_bytes;
    /// Times that a submit waited for room in it.
    uint64_t recorder_stalls;
    /// How long they waited together, in nanoseconds.
    uint64_t recorder_stall_ns;
    /// Records that found no room.
    uint64_t recorder_refused;
    /// Records that tell of those.
    uint64_t recorder_gaps;
    /// Records that are not durable yet.
    uint64_t recorder_lag;
    /// Checkpoints taken.
    uint64_t recorder_checkpoints;
    /// Checkpoints that failed.
    uint64_t recorder_checkpoints_failed;
    /// Decisions: ROTA_ACTION_*.
    uint64_t decisions[ROTA_ACTIONS];
    /// Time that decisions have saved, in nanoseconds.
    uint64_t saved_ns;
    /// Names that providers were refused.
    uint64_t refused_names;
} rota_metrics;

/// One reading of all metrics, in which each number belongs to the others: what has completed was
/// submitted, what was taken has completed, and the runtime's sums are those of the series.
/// ROTA_SNAPSHOT_INIT wants nothing but how many there are.
typedef struct rota_snapshot {
    /// sizeof(rota_snapshot), which ROTA_SNAPSHOT_INIT sets.
    size_t struct_size;
    /// In: where the series go, sorted by label, the overflow's last. Only the struct_size of the first is
    /// read, and it counts for all of them. NULL: none are wanted.
    struct rota_tenant_metrics *tenants;
    /// In: how many there is room for.
    size_t tenants_cap;
    /// Out: how many there are.
    size_t tenants_needed;
    /// In: where the handlers go that were called, sorted by module and name; as tenants.
    struct rota_handler_metrics *handlers;
    /// In: how many there is room for.
    size_t handlers_cap;
    /// Out: how many there are.
    size_t handlers_needed;
    /// In: where the values go that providers tell, the library's own first; as tenants.
    struct rota_metrics_value *values;
    /// In: how many there is room for.
    size_t values_cap;
    /// Out: how many there are.
    size_t values_needed;
    /// In: where the sums over all go. NULL: they are not wanted.
    struct rota_metrics *runtime;
} rota_snapshot;

/// A provider: it calls rota_metrics_tell for each of its values. It is called in a snapshot, by the thread that
/// takes it, which for a metrics socket is one of the library's; from inside it a snapshot is refused with
/// WRONG_STATE. It must not throw or jump out.
typedef void (*rota_metrics_provider_fn)(void *user, struct rota_metrics_sink *sink);

/// A decision that was kept.
typedef struct rota_decision {
    /// Nanoseconds since the runtime was opened.
    uint64_t at_ns;
    /// Time that it saved, in nanoseconds.
    uint64_t saved_ns;
    /// One of ROTA_ACTION_*.
    uint32_t action;
    /// 0.
    uint32_t reserved;
    /// Why, in English.
    char detail[168];
} rota_decision;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/// ---- Version and names -------------------------------------------------------------------------
///
/// The library's version: major << 16 | minor << 8 | patch.
///
/// Ownership: none.
/// Threading: any thread.
/// Errors: none.
/// Since: 0.1
uint32_t rota_version(void);

/// The library's version as text, such as "0.1.0".
///
/// Ownership: the text is static.
/// Threading: any thread.
/// Errors: none.
/// Since: 0.1
const char *rota_version_text(void);

/// The name of a rota_status, such as "ROTA_STATUS_WOULD_BLOCK".
///
/// Ownership: the text is static.
/// Threading: any thread.
/// Errors: none; "UNKNOWN" for a number that is no status.
/// Since: 0.1
const char *rota_status_name(int32_t status);

/// What a rota_status means, in one line of English.
///
/// Ownership: the text is static.
/// Threading: any thread.
/// Errors: none; "unknown status" for a number that is no status.
/// Since: 0.1
const char *rota_status_text(int32_t status);

/// The name of a completion's status, such as "ROTA_COMPLETION_FAULTED".
///
/// Ownership: the text is static.
/// Threading: any thread.
/// Errors: none; "UNKNOWN" for a number that is no completion status.
/// Since: 0.1
const char *rota_completion_status_name(uint32_t status);

/// The name of a fault, such as "ROTA_FAULT_OUT_OF_BOUNDS".
///
/// Ownership: the text is static.
/// Threading: any thread.
/// Errors: none; "ROTA_FAULT_HANDLER" from 0x10000 on, for the handlers' own codes, and
/// "UNKNOWN" for every other number that is no fault.
/// Since: 0.1
const char *rota_fault_name(uint32_t fault);

/// What a fault means, in one line of English.
///
/// Ownership: the text is static.
/// Threading: any thread.
/// Errors: none; numbers that are no fault have a text that says so.
/// Since: 0.1
const char *rota_fault_text(uint32_t fault);

/// The name of a resource, such as "ROTA_RESOURCE_SLOTS".
///
/// Ownership: the text is static.
/// Threading: any thread.
/// Errors: none; "UNKNOWN" for a number that is no resource.
/// Since: 0.1
const char *rota_resource_name(uint32_t resource);

/// The name of a kind of records, such as "ROTA_RECORD_JOB".
///
/// Ownership: the text is static.
/// Threading: any thread.
/// Errors: none; "UNKNOWN" for a number that is no kind.
/// Since: 0.1
const char *rota_record_name(uint32_t kind);

/// The name of an event of a kind of records, such as "ROTA_EVENT_BUFFER_WRITTEN" for
/// ROTA_RECORD_BUFFER and 2.
///
/// Ownership: the text is static.
/// Threading: any thread.
/// Errors: none; "UNKNOWN" for a number that is no event of that kind.
/// Since: 0.1
const char *rota_event_name(uint32_t kind, uint32_t event);

/// The name of a replay's outcome, such as "ROTA_REPLAY_SAME".
///
/// Ownership: the text is static.
/// Threading: any thread.
/// Errors: none; "UNKNOWN" for a number that is no outcome.
/// Since: 0.1
const char *rota_outcome_name(uint32_t outcome);

/// ---- Errors ------------------------------------------------------------------------------------
///
/// The status of the call that failed.
///
/// Ownership: borrows the error.
/// Threading: any thread.
/// Errors: ROTA_STATUS_OK for NULL; ROTA_STATUS_INVALID_HANDLE for what is not an error object.
/// Since: 0.1
rota_status rota_error_status(const struct rota_error *error);

/// What happened and what to do about it, in English, zero-terminated UTF-8: one line, or for
/// INVALID_MODULE what a compiler would print.
///
/// Ownership: the text belongs to the error and lives until rota_error_destroy.
/// Threading: any thread.
/// Errors: none; an empty text for NULL, and one that says so for what is not an error object.
/// Since: 0.1
const char *rota_error_message(const struct rota_error *error);

/// The VkResult of the Vulkan call that failed; 0 if none did.
///
/// Ownership: borrows the error.
/// Threading: any thread.
/// Errors: none; 0 for NULL and for what is not an error object.
/// Since: 0.1
int32_t rota_error_vk_result(const struct rota_error *error);

/// 1 if the same call may succeed later without anything else being changed, else 0.
///
/// Ownership: borrows the error.
/// Threading: any thread.
/// Errors: none; 0 for NULL and for what is not an error object.
/// Since: 0.1
uint32_t rota_error_retryable(const struct rota_error *error);

/// What the quota of a QUOTA_EXCEEDED limits: ROTA_RESOURCE_*; ROTA_RESOURCE_NONE for any other error,
/// for NULL, and for what is not an error object.
///
/// Ownership: borrows the error.
/// Threading: any thread.
/// Errors: none.
/// Since: 0.1
uint32_t rota_error_resource(const struct rota_error *error);

/// How much of the resource the call asked for; 0 from rota_tenant_set_quota.
///
/// Ownership: borrows the error.
/// Threading: any thread.
/// Errors: none; 0 for an error about no quota, NULL, and what is not an error object.
/// Since: 0.1
uint64_t rota_error_requested(const struct rota_error *error);

/// How much of the resource was in use.
///
/// Ownership: borrows the error.
/// Threading: any thread.
/// Errors: none; 0 for an error about no quota, NULL, and what is not an error object.
/// Since: 0.1
uint64_t rota_error_used(const struct rota_error *error);

/// How much of the resource the quota allows.
///
/// Ownership: borrows the error.
/// Threading: any thread.
/// Errors: none; 0 for an error about no quota, NULL, and what is not an error object.
/// Since: 0.1
uint64_t rota_error_cap(const struct rota_error *error);

/// 1 if the quota is the one of all tenants of the runtime together, 0 if it is the tenant's own.
///
/// Ownership: borrows the error.
/// Threading: any thread.
/// Errors: none; 0 for an error about no quota, NULL, and what is not an error object.
/// Since: 0.1
uint32_t rota_error_of_runtime(const struct rota_error *error);

/// Frees an error object. NULL, and one that is destroyed already, do nothing.
///
/// Ownership: takes the error; its message goes with it.
/// Threading: any thread, also another than the one that got the error.
/// Errors: none.
/// Since: 0.1
void rota_error_destroy(struct rota_error *error);

/// ---- Log ---------------------------------------------------------------------------------------
///
/// Sets the function that gets log messages of the whole process up to `level`, one of ROTA_LOG_*;
/// fn NULL: none. After it has returned, the function set before is no longer called nor running.
/// Without any call of it, $ROTA_LOG (error, warn, info, debug, trace) sends messages to stderr.
///
/// Ownership: `user` stays the caller's and is handed to fn as it is.
/// Threading: any thread, but not from inside fn.
/// Errors: INVALID_ARGUMENT for an unknown level; WRONG_STATE from inside fn, and in a Rust program
/// that has its own logger.
/// Since: 0.1
rota_status rota_log_set(rota_log_fn fn, void *user, uint32_t level, struct rota_error **error);

/// ---- Devices -----------------------------------------------------------------------------------
///
/// Lists the Vulkan devices, also those that Rota can't use: the first `cap` go to `infos`, and how
/// many there are to `needed`. Only the struct_size of infos[0] is read, and it counts for all of
/// them. NULL and 0 just ask how many there are.
///
/// Ownership: copies; nothing to free.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_STRUCT_SIZE, NO_DRIVER, DRIVER_ERROR. `needed` is always written.
/// Since: 0.1
rota_status rota_devices_list(struct rota_device_info *infos,
                              size_t cap,
                              size_t *needed,
                              struct rota_error **error);

/// ---- Quotas ------------------------------------------------------------------------------------
///
/// Changes how much a tenant may have. quota NULL: no limit. If it is less than the tenant has of
/// something, nothing changes.
///
/// Ownership: the quota is only read.
/// Threading: any thread, also while others take and give back.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE; QUOTA_EXCEEDED (below what is in use).
/// Since: 0.1
rota_status rota_tenant_set_quota(struct rota_tenant *tenant,
                                  const struct rota_quota *quota,
                                  struct rota_error **error);

/// Holds so much of a resource for the caller: of the tenant's quota, and of the runtime's. What is
/// held nobody else gets. resource: ROTA_RESOURCE_*, but not fuel.
///
/// Ownership: *reservation is the caller's, to be freed by rota_reservation_release, also after the
/// tenant's end.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT (resource); QUOTA_EXCEEDED, OUT_OF_MEMORY.
/// Since: 0.1
rota_status rota_tenant_reserve(struct rota_tenant *tenant,
                                uint32_t resource,
                                uint64_t amount,
                                struct rota_reservation **reservation,
                                struct rota_error **error);

/// Gives back what a reservation holds. NULL does nothing.
///
/// Ownership: takes the reservation.
/// Threading: any thread.
/// Errors: INVALID_HANDLE (also for a second release).
/// Since: 0.1
rota_status rota_reservation_release(struct rota_reservation *reservation,
                                     struct rota_error **error);

/// ---- Flight recorder ---------------------------------------------------------------------------
///
/// Tells how the flight recorder of a runtime is doing. The numbers are read one by one while work goes
/// on.
///
/// Ownership: a copy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE, WRONG_STATE (the runtime has no recorder).
/// Since: 0.1
rota_status rota_recorder_get_state(struct rota_runtime *runtime,
                                    struct rota_recorder_state *state,
                                    struct rota_error **error);

/// The path of the log, zero-terminated: what fits into `cap` bytes goes to `text`, and how many bytes
/// all of it and the zero have goes to `needed`. NULL and 0 just ask how many. It is the path that was
/// given, also where it is not absolute.
///
/// Ownership: a copy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT, WRONG_STATE (the runtime has no recorder).
/// `needed` is always written.
/// Since: 0.1
rota_status rota_recorder_get_path(struct rota_runtime *runtime,
                                   char *text,
                                   size_t cap,
                                   size_t *needed,
                                   struct rota_error **error);

/// Returns when all that was recorded before the call is durable: it survives a power cut from then on.
/// *durable, if durable isn't NULL, is the first number that may not.
///
/// Ownership: nothing changes hands.
/// Threading: any thread; rota_runtime_destroy waits for it.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT, WRONG_STATE (the runtime has no recorder),
/// TIMEOUT, IO_ERROR (of the disk, now or earlier: the recording has ended).
/// Since: 0.1
rota_status rota_recorder_sync(struct rota_runtime *runtime,
                               uint64_t timeout_ns,
                               uint64_t *durable,
                               struct rota_error **error);

/// Adds the caller's own evidence of a failure to the log: `evidence` is one of ROTA_EVIDENCE_*, `code`
/// what a driver or another library said, and `bytes` anything else, of which the log keeps the first
/// 16 KiB, the hash and the length. tenant NULL: it is about the runtime. ticket 0: it is about no one
/// job.
///
/// Ownership: copies the bytes.
/// Threading: any thread; runtime and tenant are destroyed only after this has returned.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT (evidence, bytes, or a tenant of another
/// runtime), WRONG_STATE (the runtime has no recorder), IO_ERROR (it was not recorded).
/// Since: 0.1
rota_status rota_recorder_note(struct rota_runtime *runtime,
                               struct rota_tenant *tenant,
                               uint64_t ticket,
                               uint32_t evidence,
                               int32_t code,
                               const void *bytes,
                               size_t n,
                               struct rota_error **error);

/// ---- Spans -------------------------------------------------------------------------------------
///
/// As rota_submit, for jobs that belong to traces: `contexts` has one for each of the n jobs. A job in
/// whose context an id is all zero begins a trace of its own, if it is sampled. Where the runtime makes no spans the
/// contexts aren't looked at.
///
/// Ownership: jobs and contexts are copied.
/// Threading: as rota_submit.
/// Errors: as rota_submit.
/// Since: 0.1
rota_status rota_submit_traced(struct rota_tenant *tenant,
                               const struct rota_job *jobs,
                               const struct rota_trace_context *contexts,
                               size_t n,
                               rota_ticket *tickets,
                               size_t *accepted,
                               struct rota_error **error);

/// Reads a trace context from text of W3C's form, as HTTP's header traceparent has it:
/// "00-<32 digits of trace id>-<16 digits of parent id>-<2 digits of flags>".
///
/// Ownership: a copy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_ARGUMENT (another form, or an id that is zero).
/// Since: 0.1
rota_status rota_trace_context_parse(const char *text,
                                     size_t text_len,
                                     struct rota_trace_context *context,
                                     struct rota_error **error);

/// Tells how the queue of spans and their exporters are doing.
///
/// Ownership: a copy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE, WRONG_STATE (the runtime makes no spans),
/// UNSUPPORTED by a library that was built without metrics.
/// Since: 0.1
rota_status rota_spans_get_stats(struct rota_runtime *runtime,
                                 struct rota_span_stats *stats,
                                 struct rota_error **error);

/// Returns when the spans of all completions that were taken before the call are exported, or given up.
///
/// Ownership: nothing changes hands.
/// Threading: any thread; rota_runtime_destroy waits for it.
/// Errors: NULL_POINTER, INVALID_HANDLE, WRONG_STATE (the runtime makes no spans), TIMEOUT, UNSUPPORTED by
/// a library that was built without metrics.
/// Since: 0.1
rota_status rota_spans_flush(struct rota_runtime *runtime,
                             uint64_t timeout_ns,
                             struct rota_error **error);

/// ---- Runtime -----------------------------------------------------------------------------------
///
/// Opens a device and starts the pump. options NULL: defaults everywhere.
///
/// Ownership: *runtime is the caller's, to be freed by rota_runtime_destroy; the options and their
/// texts are only read.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_STRUCT_SIZE, INVALID_ARGUMENT; NO_DRIVER, NO_DEVICE,
/// DEVICE_UNSUPPORTED, UNSUPPORTED (the mode; a metrics socket or spans in a library that was built
/// without), DRIVER_ERROR, OUT_OF_MEMORY, OUT_OF_DEVICE_MEMORY, IO_ERROR (also a metrics socket in use, or
/// where something else has its name); of the recorder LOG_IN_USE, NOT_A_LOG, LOG_DAMAGED, LOG_TOO_NEW.
/// Since: 0.1
rota_status rota_runtime_open(const struct rota_runtime_options *options,
                              struct rota_runtime **runtime,
                              struct rota_error **error);

/// Tells what a runtime is and has done. The counts are read one by one while work goes on.
///
/// Ownership: a copy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE.
/// Since: 0.1
rota_status rota_runtime_get_info(struct rota_runtime *runtime,
                                  struct rota_runtime_info *info,
                                  struct rota_error **error);

/// Ends the kernel. Open jobs complete as CANCELLED; completions can still be polled, and buffers
/// read where the host can reach them. From here on submits give STOPPED. A second stop does nothing.
///
/// Ownership: the runtime stays the caller's.
/// Threading: any thread; returns when the kernel has ended.
/// Errors: NULL_POINTER, INVALID_HANDLE, DEVICE_LOST, DRIVER_ERROR.
/// Since: 0.1
rota_status rota_runtime_stop(struct rota_runtime *runtime,
                              struct rota_error **error);

/// Stops the runtime, destroys its tenants, and frees everything. Calls that other threads are in
/// are waited for; those that wait for completions return INVALID_HANDLE. The handles of the runtime
/// and of its tenants are stale from here on, whatever is returned. NULL does nothing.
///
/// Ownership: takes the runtime and its tenants, and with them their buffers, mappings and event
/// descriptors.
/// Threading: any thread, but not from inside the log callback.
/// Errors: INVALID_HANDLE (also for a second destroy).
/// Since: 0.1
rota_status rota_runtime_destroy(struct rota_runtime *runtime,
                                 struct rota_error **error);

/// ---- Tenant ------------------------------------------------------------------------------------
///
/// Creates a tenant. options NULL: defaults everywhere.
///
/// Ownership: *tenant is the caller's, to be freed by rota_tenant_destroy or together with the
/// runtime; the options and their texts are only read.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE, INVALID_ARGUMENT; OUT_OF_RING_MEMORY,
/// OUT_OF_MEMORY, STOPPED.
/// Since: 0.1
rota_status rota_tenant_create(struct rota_runtime *runtime,
                               const struct rota_tenant_options *options,
                               struct rota_tenant **tenant,
                               struct rota_error **error);

/// Frees a tenant: no job of it is claimed after this has returned, and jobs that were open never
/// complete. Calls that other threads are in are waited for; those that wait for completions return
/// INVALID_HANDLE. The handle is stale from here on, whatever is returned. NULL does nothing.
///
/// Ownership: takes the tenant and its buffers, mappings and event descriptor.
/// Threading: any thread, but not from inside the log callback.
/// Errors: INVALID_HANDLE (also for a second destroy), DEVICE_LOST.
/// Since: 0.1
rota_status rota_tenant_destroy(struct rota_tenant *tenant, struct rota_error **error);

/// A descriptor for poll or epoll, readable while the tenant has completions that nobody has taken.
/// The same one every time. Don't read from it: taking the completions clears it.
///
/// Ownership: the descriptor belongs to the tenant, and is closed with it.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, IO_ERROR.
/// Since: 0.1
rota_status rota_tenant_event_fd(struct rota_tenant *tenant, int *fd, struct rota_error **error);

/// Changes how much of the device a tenant gets where others want it too: 1 to 10,000. From its next
/// turn on; its jobs go on.
///
/// Ownership: nothing changes hands.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE; INVALID_ARGUMENT (weight is 0 or above 10,000); STOPPED.
/// Since: 0.1
rota_status rota_tenant_set_weight(struct rota_tenant *tenant,
                                   uint32_t weight,
                                   struct rota_error **error);

/// Changes how many thousandths of the device's time a tenant may use, also where nobody else wants it;
/// 0 for all.
///
/// Ownership: nothing changes hands.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE; INVALID_ARGUMENT (share_permille is above 1,000); STOPPED.
/// Since: 0.1
rota_status rota_tenant_set_share(struct rota_tenant *tenant,
                                  uint32_t share_permille,
                                  struct rota_error **error);

/// What a tenant is at: ROTA_TENANT_*. It only ever moves on.
///
/// Ownership: none.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE.
/// Since: 0.1
rota_status rota_tenant_state(struct rota_tenant *tenant,
                              uint32_t *state,
                              struct rota_error **error);

/// Waits until every job that was submitted before has completed, whether its completion was taken
/// or not. Other threads can go on submitting.
///
/// Ownership: none.
/// Threading: any thread.
/// Errors: TIMEOUT, NULL_POINTER, INVALID_HANDLE.
/// Since: 0.1
rota_status rota_tenant_quiesce(struct rota_tenant *tenant,
                                uint64_t timeout_ns,
                                struct rota_error **error);

/// Closes a tenant to new jobs, for good, and waits until those accepted before have completed.
/// After a TIMEOUT it stays closed, and another call goes on waiting. Completions can be taken, jobs
/// cancelled, and buffers used as before.
///
/// Ownership: the tenant stays the caller's, still to be destroyed.
/// Threading: any thread.
/// Errors: TIMEOUT, NULL_POINTER, INVALID_HANDLE; WRONG_STATE after a revoke.
/// Since: 0.1
rota_status rota_tenant_drain(struct rota_tenant *tenant,
                              uint64_t timeout_ns,
                              struct rota_error **error);

/// Takes the device from a tenant: it accepts no more jobs, those that have not begun complete as
/// REVOKED, and those that run end soon. When this returns, no job of it begins any more; to wait for
/// those that still end, call rota_tenant_quiesce. Completions can be taken, and buffers written and
/// read, until the tenant is destroyed. After a TIMEOUT another call goes on waiting.
///
/// Ownership: the tenant stays the caller's, still to be destroyed.
/// Threading: any thread.
/// Errors: TIMEOUT, NULL_POINTER, INVALID_HANDLE; WRONG_STATE if it was revoked before; STOPPED,
/// DEVICE_LOST.
/// Since: 0.1
rota_status rota_tenant_revoke(struct rota_tenant *tenant,
                               uint64_t timeout_ns,
                               struct rota_error **error);

/// ---- Tenants of a runtime ----------------------------------------------------------------------
///
/// A tenant's id: never 0, and never that of another tenant of its runtime, now or later.
///
/// Ownership: none.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE.
/// Since: 0.1
rota_status rota_tenant_id(struct rota_tenant *tenant, uint64_t *id, struct rota_error **error);

/// The ids of all tenants, in rising order: the first `cap` go to `ids`, and how many there are to
/// `needed`. NULL and 0 just ask how many there are.
///
/// Ownership: copies.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT. `needed` is always written.
/// Since: 0.1
rota_status rota_runtime_tenants(struct rota_runtime *runtime,
                                 uint64_t *ids,
                                 size_t cap,
                                 size_t *needed,
                                 struct rota_error **error);

/// The tenant with an id, under the handle that rota_tenant_create gave.
///
/// Ownership: the tenant stays whose it was.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE (the runtime's, or no tenant has this id any more).
/// Since: 0.1
rota_status rota_runtime_find_tenant(struct rota_runtime *runtime,
                                     uint64_t id,
                                     struct rota_tenant **tenant,
                                     struct rota_error **error);

/// Tells what a tenant has done and has. The counts are read one by one while work goes on.
///
/// Ownership: a copy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE.
/// Since: 0.1
rota_status rota_tenant_get_counters(struct rota_tenant *tenant,
                                     struct rota_tenant_counters *counters,
                                     struct rota_error **error);

/// Tells it of all tenants, in the order of their ids: the first `cap` go to `counters`, and how
/// many there are to `needed`. Only the struct_size of counters[0] is read, and it counts for all of
/// them. NULL and 0 just ask how many there are.
///
/// Ownership: copies.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE, INVALID_ARGUMENT, OUT_OF_MEMORY.
/// `needed` is always written.
/// Since: 0.1
rota_status rota_runtime_get_counters(struct rota_runtime *runtime,
                                      struct rota_tenant_counters *counters,
                                      size_t cap,
                                      size_t *needed,
                                      struct rota_error **error);

/// Picks tenants that go together: of the `n` in `ids` as many as have no conflict with each other,
/// so that none of the rest could be added. `conflicts` has n * n bytes, a row for each tenant: byte
/// [a * n + b] is not 0 if a must not run beside b. A mark in one direction is enough; those of a
/// tenant with itself don't count. Who was not picked for longest comes first: in n calls with the
/// same tenants each is picked. The indices of those picked go to `picked`, which has room for n, in
/// rising order, and how many there are to `count`.
///
/// Ownership: ids and conflicts are only read.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE (the runtime's, or an id that no tenant has), INVALID_ARGUMENT
/// (conflict_bytes isn't n * n, or an id is there twice). `count` is always written.
/// Since: 0.1
rota_status rota_runtime_pick(struct rota_runtime *runtime,
                              const uint64_t *ids,
                              size_t n,
                              const uint8_t *conflicts,
                              size_t conflict_bytes,
                              uint32_t *picked,
                              size_t *count,
                              struct rota_error **error);

/// ---- Jobs --------------------------------------------------------------------------------------
///
/// Submits jobs in their order. A refused job ends the call: the ones before it are accepted, and
/// `accepted` tells how many, whatever is returned. tickets NULL: not asked for; else it has room
/// for n, and as many as were accepted are written.
///
/// Ownership: the jobs are copied.
/// Threading: any thread, several at once; calls nobody back. It blocks for a flight recorder only: while
/// the disk can't follow, and while a checkpoint is taken.
/// Errors: WOULD_BLOCK when the ring is full; NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT (n 0,
/// flags, fuel), INVALID_OPCODE, INVALID_TILES; QUOTA_EXCEEDED (slots, unless the ring is full as well;
/// fuel); WRONG_STATE after a drain or a revoke; STOPPED, DEVICE_LOST; IO_ERROR after an error of the
/// flight recorder's disk, if its options say so.
/// Since: 0.1
rota_status rota_submit(struct rota_tenant *tenant,
                        const struct rota_job *jobs,
                        size_t n,
                        rota_ticket *tickets,
                        size_t *accepted,
                        struct rota_error **error);

/// Takes up to `cap` completions, the oldest first as far as they have finished. Waits for the first
/// one if there is none, at most timeout_ns, in the way that `wait` says, and never for more than one.
/// `count` is always written.
///
/// Ownership: copies. A completion taken is taken: its slot may be used again.
/// Threading: any thread, several at once; each completion is handed to one of them.
/// Errors: TIMEOUT when nothing came; NULL_POINTER, INVALID_HANDLE (also when the tenant is
/// destroyed meanwhile), INVALID_ARGUMENT (cap 0, wait), STOPPED when there is nothing left to come,
/// DEVICE_LOST likewise.
/// Since: 0.1
rota_status rota_poll(struct rota_tenant *tenant,
                      struct rota_completion *completions,
                      size_t cap,
                      uint32_t wait,
                      uint64_t timeout_ns,
                      size_t *count,
                      struct rota_error **error);

/// Waits for one job, at most timeout_ns, and takes its completion.
///
/// Ownership: a copy. The completion is taken, as by rota_poll.
/// Threading: any thread. A rota_poll beside it may take the completion first.
/// Errors: TIMEOUT; INVALID_TICKET (also when the completion is taken by somebody else),
/// NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT (wait), STOPPED, DEVICE_LOST.
/// Since: 0.1
rota_status rota_wait(struct rota_tenant *tenant,
                      rota_ticket ticket,
                      uint32_t wait,
                      uint64_t timeout_ns,
                      struct rota_completion *completion,
                      struct rota_error **error);

/// Asks for a job not to run. It completes in any case: as CANCELLED if it had not run, else with
/// what became of it; tiles that have begun are finished.
///
/// Ownership: none.
/// Threading: any thread; doesn't wait.
/// Errors: INVALID_TICKET (also when the completion was taken), NULL_POINTER, INVALID_HANDLE, STOPPED.
/// Since: 0.1
rota_status rota_cancel(struct rota_tenant *tenant,
                        rota_ticket ticket,
                        struct rota_error **error);

/// Tells where a job is: one of ROTA_TICKET_*.
///
/// Ownership: none.
/// Threading: any thread.
/// Errors: INVALID_TICKET when it was never given out, NULL_POINTER, INVALID_HANDLE.
/// Since: 0.1
rota_status rota_ticket_state(struct rota_tenant *tenant,
                              rota_ticket ticket,
                              uint32_t *state,
                              struct rota_error **error);

/// A good number of tiles for so many elements (the count in the handler's own units): at least 1,
/// and never so few that the handler faults.
///
/// Ownership: none.
/// Threading: any thread.
/// Errors: none; 0 for an opcode that is no standard handler.
/// Since: 0.1
uint32_t rota_tiles(uint32_t opcode, uint64_t elements);

/// ---- Modules -----------------------------------------------------------------------------------
///
/// Loads handlers that a tenant brings, while everything else goes on: only the switch to the new
/// kernel waits for the end of a lease. Takes as long as the driver's compiler, seconds on software
/// drivers; loads of all tenants wait for each other. From its return on the tenant's jobs can have
/// the handlers' opcodes.
///
/// A source that is rejected gives INVALID_MODULE, and the error's message is what a compiler would
/// print: line, column, what is wrong, what to do. On any error nothing is changed.
///
/// Ownership: copies all it is given; *module is the tenant's, until rota_module_unload or
/// rota_tenant_destroy. report may be NULL.
/// Threading: any thread; tenant is destroyed only after this has returned.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE, INVALID_ARGUMENT (no handler, more
/// than 64, fuel above what the device can run), INVALID_OPCODE (outside the tenant's window),
/// OPCODE_TAKEN, INVALID_MODULE, KERNEL_FULL, QUOTA_EXCEEDED, DRIVER_ERROR, OUT_OF_MEMORY, STOPPED.
/// Since: 0.1
rota_status rota_module_load(struct rota_tenant *tenant,
                             const struct rota_module_options *options,
                             rota_module *module,
                             struct rota_module_report *report,
                             struct rota_error **error);

/// Puts another version in a module's place: the same opcodes, each of the same kind. Jobs that have
/// begun end with the old version, later ones run with the new one, and none with both; a completion
/// of a job with ROTA_JOB_TIMING says which it was.
///
/// Ownership: copies all it is given. report may be NULL.
/// Threading: any thread; tenant is destroyed only after this has returned.
/// Errors: as rota_module_load, but for OPCODE_TAKEN; INVALID_HANDLE for a module that isn't this
/// tenant's, INVALID_ARGUMENT for other opcodes or kinds.
/// Since: 0.1
rota_status rota_module_replace(struct rota_tenant *tenant,
                                rota_module module,
                                const struct rota_module_options *options,
                                struct rota_module_report *report,
                                struct rota_error **error);

/// Unloads a module. Its opcodes are refused from now on. Jobs accepted before finish first; those
/// that have not begun after timeout_ns end with the fault HANDLER_UNLOADED.
///
/// Ownership: takes the module.
/// Threading: any thread; tenant is destroyed only after this has returned.
/// Errors: INVALID_HANDLE (the tenant, or a module that isn't this tenant's), NULL_POINTER,
/// DEVICE_LOST, STOPPED (the module goes with its tenant).
/// Since: 0.1
rota_status rota_module_unload(struct rota_tenant *tenant,
                               rota_module module,
                               uint64_t timeout_ns,
                               struct rota_error **error);

/// Loads a module that no tenant owns. Tenants can call its handlers once it is granted to them.
///
/// Ownership: copies all it is given; *module is the runtime's. report may be NULL.
/// Threading: any thread.
/// Errors: as rota_module_load; INVALID_OPCODE for one that no window has.
/// Since: 0.1
rota_status rota_runtime_module_load(struct rota_runtime *runtime,
                                     const struct rota_module_options *options,
                                     rota_module *module,
                                     struct rota_module_report *report,
                                     struct rota_error **error);

/// As rota_module_replace, at once for all tenants that the module was granted to.
///
/// Ownership: copies all it is given. report may be NULL.
/// Threading: any thread.
/// Errors: as rota_module_replace.
/// Since: 0.1
rota_status rota_runtime_module_replace(struct rota_runtime *runtime,
                                        rota_module module,
                                        const struct rota_module_options *options,
                                        struct rota_module_report *report,
                                        struct rota_error **error);

/// As rota_module_unload, for all tenants that the module was granted to.
///
/// Ownership: takes the module.
/// Threading: any thread.
/// Errors: as rota_module_unload.
/// Since: 0.1
rota_status rota_runtime_module_unload(struct rota_runtime *runtime,
                                       rota_module module,
                                       uint64_t timeout_ns,
                                       struct rota_error **error);

/// Lets a tenant call the handlers of one of the runtime's modules, by the opcodes that they were
/// loaded with; these must be free in the tenant's window.
///
/// Ownership: nothing changes hands; the grant ends with the module or the tenant.
/// Threading: any thread; runtime and tenant are destroyed only after this has returned.
/// Errors: NULL_POINTER, INVALID_HANDLE (the runtime, the tenant, or a module that isn't the
/// runtime's), INVALID_ARGUMENT (a tenant of another runtime), INVALID_OPCODE, OPCODE_TAKEN,
/// KERNEL_FULL, STOPPED.
/// Since: 0.1
rota_status rota_runtime_module_grant(struct rota_runtime *runtime,
                                      rota_module module,
                                      struct rota_tenant *tenant,
                                      struct rota_error **error);

/// ---- Buffers -----------------------------------------------------------------------------------
///
/// Creates a buffer of so many bytes, all of them 0. flags: ROTA_BUFFER_*.
///
/// Ownership: the tenant owns it; rota_buffer_destroy frees it, or the tenant's end.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT (bytes 0, flags), QUOTA_EXCEEDED,
/// OUT_OF_DEVICE_MEMORY, OUT_OF_MEMORY, STOPPED, DEVICE_LOST; WRONG_STATE after a revoke.
/// Since: 0.1
rota_status rota_buffer_create(struct rota_tenant *tenant,
                               uint64_t bytes,
                               uint32_t flags,
                               rota_buffer *buffer,
                               struct rota_error **error);

/// Frees a buffer. Its name is stale at once; its memory is used again when the jobs submitted
/// before have completed. Doesn't wait for them.
///
/// Ownership: takes the buffer.
/// Threading: any thread.
/// Errors: WRONG_STATE while it is mapped, NULL_POINTER, INVALID_HANDLE (the tenant's or the buffer's).
/// Since: 0.1
rota_status rota_buffer_destroy(struct rota_tenant *tenant,
                                rota_buffer buffer,
                                struct rota_error **error);

/// The size of a buffer, as it was asked for.
///
/// Ownership: none.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE (the tenant's or the buffer's).
/// Since: 0.1
rota_status rota_buffer_size(struct rota_tenant *tenant,
                             rota_buffer buffer,
                             uint64_t *bytes,
                             struct rota_error **error);

/// Writes `len` bytes at `offset`. All jobs submitted after it has returned see them. Jobs that are
/// open may see any of them, old or new.
///
/// Ownership: the data is copied.
/// Threading: any thread; ranges that overlap are the callers' to order.
/// Errors: OUT_OF_RANGE, NULL_POINTER, INVALID_HANDLE (the tenant's or the buffer's),
/// INVALID_ARGUMENT (len), QUOTA_EXCEEDED (bytes being copied), DEVICE_LOST.
/// Since: 0.1
rota_status rota_buffer_write(struct rota_tenant *tenant,
                              rota_buffer buffer,
                              uint64_t offset,
                              const void *data,
                              size_t len,
                              struct rota_error **error);

/// Reads `len` bytes at `offset`. It sees what all jobs wrote whose completions have been taken.
///
/// Ownership: copies to the caller's memory.
/// Threading: any thread.
/// Errors: as rota_buffer_write; the data is written on success only.
/// Since: 0.1
rota_status rota_buffer_read(struct rota_tenant *tenant,
                             rota_buffer buffer,
                             uint64_t offset,
                             void *data,
                             size_t len,
                             struct rota_error **error);

/// Sets `len` bytes at `offset` to a value; seen as a rota_buffer_write is.
///
/// Ownership: none.
/// Threading: as rota_buffer_write.
/// Errors: OUT_OF_RANGE, NULL_POINTER, INVALID_HANDLE (the tenant's or the buffer's), QUOTA_EXCEEDED
/// (bytes being copied), DEVICE_LOST.
/// Since: 0.1
rota_status rota_buffer_fill(struct rota_tenant *tenant,
                             rota_buffer buffer,
                             uint64_t offset,
                             uint64_t len,
                             uint8_t value,
                             struct rota_error **error);

/// Gives the buffer's own memory as the host sees it, `len` bytes. Jobs and host share it: what a
/// job writes is there when its completion has been taken, what the host writes is seen by jobs
/// submitted afterwards.
///
/// Ownership: the memory stays the buffer's. The pointer is valid until rota_buffer_unmap, or the
/// end of the tenant or the runtime; using it later is not caught.
/// Threading: any thread; accesses are the callers' to order.
/// Errors: UNSUPPORTED where the host can't reach it, NULL_POINTER, INVALID_HANDLE (the tenant's or
/// the buffer's).
/// Since: 0.1
rota_status rota_buffer_map(struct rota_tenant *tenant,
                            rota_buffer buffer,
                            void **data,
                            uint64_t *len,
                            struct rota_error **error);

/// Ends the use of a mapping. A buffer mapped several times is unmapped as often.
///
/// Ownership: the pointer from rota_buffer_map is not the caller's to use any more.
/// Threading: any thread.
/// Errors: WRONG_STATE when it isn't mapped, NULL_POINTER, INVALID_HANDLE (the tenant's or the
/// buffer's).
/// Since: 0.1
rota_status rota_buffer_unmap(struct rota_tenant *tenant,
                              rota_buffer buffer,
                              struct rota_error **error);

/// Makes a buffer of memory that the caller has, without a copy, where the device can. `host` and
/// `len` are multiples of the page size. flags: ROTA_BUFFER_*.
///
/// Ownership: the memory stays the caller's, and has to stay in place until the buffer's jobs have
/// completed after rota_buffer_destroy, or the tenant is destroyed. The tenant owns the buffer.
/// Threading: any thread.
/// Errors: UNSUPPORTED where the device can't, NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT
/// (alignment, flags), QUOTA_EXCEEDED, OUT_OF_DEVICE_MEMORY, DRIVER_ERROR.
/// Since: 0.1
rota_status rota_buffer_import(struct rota_tenant *tenant,
                               void *host,
                               uint64_t len,
                               uint32_t flags,
                               rota_buffer *buffer,
                               struct rota_error **error);

/// Lets another tenant of the runtime use a buffer, under a name of its own: its jobs and the host
/// may read it by that, and unless flags has ROTA_BUFFER_READ_ONLY write it. It costs the other tenant
/// one buffer of its quota and no bytes; it can be neither mapped nor granted on. It ends by
/// rota_buffer_take_back, or when the buffer, the other tenant's name for it, or one of the two
/// tenants is destroyed: jobs that use it then fault with INVALID_BUFFER.
///
/// Ownership: the buffer stays the tenant's; *granted is the tenant `to`'s.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE (of a tenant or the buffer), INVALID_ARGUMENT (flags, to the
/// same tenant or one of another runtime, or to write what jobs may only read), WRONG_STATE (it is
/// granted to that tenant already, was granted to this one by another, or a tenant was revoked);
/// QUOTA_EXCEEDED, OUT_OF_DEVICE_MEMORY.
/// Since: 0.1
rota_status rota_buffer_grant(struct rota_tenant *tenant,
                              rota_buffer buffer,
                              struct rota_tenant *to,
                              uint32_t flags,
                              rota_buffer *granted,
                              struct rota_error **error);

/// Ends a grant. When this returns, neither jobs of the other tenant nor threads that use its name
/// can reach the buffer any more.
///
/// Ownership: takes the other tenant's name for the buffer.
/// Threading: any thread; waits until the running leases have ended.
/// Errors: NULL_POINTER, INVALID_HANDLE (of a tenant or the buffer), INVALID_ARGUMENT (the same tenant,
/// or one of another runtime), WRONG_STATE (it isn't granted to that tenant).
/// Since: 0.1
rota_status rota_buffer_take_back(struct rota_tenant *tenant,
                                  rota_buffer buffer,
                                  struct rota_tenant *from,
                                  struct rota_error **error);

/// ---- Outputs -----------------------------------------------------------------------------------
///
/// Creates outputs, which hold nothing yet. They belong to no runtime.
///
/// Ownership: *outputs is the caller's, to be freed by rota_outputs_destroy.
/// Threading: any thread.
/// Errors: NULL_POINTER, OUT_OF_MEMORY.
/// Since: 0.1
rota_status rota_outputs_create(struct rota_outputs **outputs, struct rota_error **error);

/// Frees outputs. NULL does nothing.
///
/// Ownership: takes the outputs and all data that rota_outputs_get gave.
/// Threading: any thread; waits for a call that another thread is in.
/// Errors: INVALID_HANDLE (also for a second destroy).
/// Since: 0.1
rota_status rota_outputs_destroy(struct rota_outputs *outputs, struct rota_error **error);

/// Reads n ranges at once into the outputs, entry i holding reads[i]. It sees what rota_buffer_read
/// sees. Allocations are kept: from the second use with the same sizes on, nothing is allocated.
///
/// Ownership: copies into the outputs; pointers from rota_outputs_get are invalid from here on, also
/// if it fails.
/// Threading: any thread, but one at a time for one outputs object.
/// Errors: OUT_OF_RANGE, NULL_POINTER, INVALID_HANDLE (tenant, outputs or a buffer),
/// INVALID_ARGUMENT (n 0, reserved), WRONG_STATE (another thread is at it), QUOTA_EXCEEDED (bytes being
/// copied), OUT_OF_MEMORY, DEVICE_LOST.
/// Since: 0.1
rota_status rota_buffers_read_into(struct rota_tenant *tenant,
                                   const struct rota_read *reads,
                                   size_t n,
                                   struct rota_outputs *outputs,
                                   struct rota_error **error);

/// Gives entry i of the outputs.
///
/// Ownership: the data belongs to the outputs, and is valid until the next rota_buffers_read_into or
/// rota_outputs_destroy.
/// Threading: one thread at a time for one outputs object.
/// Errors: OUT_OF_RANGE, NULL_POINTER, INVALID_HANDLE, WRONG_STATE (another thread is at it).
/// Since: 0.1
rota_status rota_outputs_get(struct rota_outputs *outputs,
                             size_t i,
                             const void **data,
                             size_t *len,
                             struct rota_error **error);

/// Tells what the last rota_buffers_read_into reused, moved and appended.
///
/// Ownership: a copy.
/// Threading: one thread at a time for one outputs object.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE, WRONG_STATE (another thread is at it).
/// Since: 0.1
rota_status rota_outputs_get_stats(struct rota_outputs *outputs,
                                   struct rota_outputs_stats *stats,
                                   struct rota_error **error);

/// ---- Recordings --------------------------------------------------------------------------------
///
/// Opens the log of a flight recorder for reading, at its oldest record. It changes nothing and needs no
/// runtime. The log may be recorded into at the same time, by this program or another one: then what is
/// recorded after this call is not read. flags: ROTA_RECORDING_SALVAGE or 0.
///
/// Ownership: *recording is the caller's, to be freed by rota_recording_destroy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_ARGUMENT; IO_ERROR (there is no such file, or it can't be read),
/// NOT_A_LOG, LOG_DAMAGED (it is empty, its header is damaged, or, unless it salvages, it is cut off),
/// LOG_TOO_NEW, OUT_OF_MEMORY.
/// Since: 0.1
rota_status rota_recording_open(const char *path,
                                size_t path_len,
                                uint32_t flags,
                                struct rota_recording **recording,
                                struct rota_error **error);

/// Frees a recording. NULL does nothing.
///
/// Ownership: takes the recording, and all that its records and rota_recording_get_object point to.
/// Threading: any thread; waits for a call that another thread is in.
/// Errors: INVALID_HANDLE (also for a second destroy).
/// Since: 0.1
rota_status rota_recording_destroy(struct rota_recording *recording, struct rota_error **error);

/// Tells what the log says of itself, and what was read of it so far.
///
/// Ownership: a copy.
/// Threading: one thread at a time for one recording.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE, WRONG_STATE (another thread is at it).
/// Since: 0.1
rota_status rota_recording_get_info(struct rota_recording *recording,
                                    struct rota_recording_info *info,
                                    struct rota_error **error);

/// Reads the next record, in the order of their numbers. At the end its kind is ROTA_RECORD_END, also if
/// it is called again. After LOG_DAMAGED comes the end; rota_recording_seek goes on behind the damage.
///
/// Ownership: what the record points to belongs to the recording, and is valid until the next call of
/// this or rota_recording_destroy.
/// Threading: one thread at a time for one recording.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE; LOG_DAMAGED (unless it salvages),
/// IO_ERROR, WRONG_STATE (another thread is at it).
/// Since: 0.1
rota_status rota_recording_next(struct rota_recording *recording,
                                struct rota_record *record,
                                struct rota_error **error);

/// Gives name and value i of the last record that rota_recording_next gave.
///
/// Ownership: the texts belong to the recording, and are valid until the next rota_recording_next or
/// rota_recording_destroy.
/// Threading: one thread at a time for one recording.
/// Errors: OUT_OF_RANGE, NULL_POINTER, INVALID_HANDLE, WRONG_STATE (another thread is at it).
/// Since: 0.1
rota_status rota_recording_get_field(struct rota_recording *recording,
                                     size_t i,
                                     struct rota_field *field,
                                     struct rota_error **error);

/// Gives what is kept beside the log under a hash of 32 bytes, checked: what was written into a buffer
/// with ROTA_CAPTURE_FULL, and the sources of modules.
///
/// Ownership: the data belongs to the recording, and is valid until the next call of this or
/// rota_recording_destroy.
/// Threading: one thread at a time for one recording.
/// Errors: NULL_POINTER, INVALID_HANDLE; DATA_MISSING, LOG_DAMAGED (it is not what its hash says),
/// IO_ERROR, WRONG_STATE (another thread is at it).
/// Since: 0.1
rota_status rota_recording_get_object(struct rota_recording *recording,
                                      const uint8_t *hash,
                                      const void **data,
                                      size_t *len,
                                      struct rota_error **error);

/// Goes on at the record with this number, or at the oldest one if it is older. Between the cells of a
/// record it is ROTA_RECORD_MISSING, ROTA_EVENT_MISSING_INCOMPLETE.
///
/// Ownership: nothing changes hands.
/// Threading: one thread at a time for one recording.
/// Errors: NULL_POINTER, INVALID_HANDLE, WRONG_STATE (another thread is at it).
/// Since: 0.1
rota_status rota_recording_seek(struct rota_recording *recording,
                                uint64_t seq,
                                struct rota_error **error);

/// ---- Replay ------------------------------------------------------------------------------------
///
/// Runs the jobs of a log again, in the order in which they began, in a runtime of its own, and compares what comes of them: status, fault, results, and the digest of what they wrote.
/// It takes as long as the jobs do. That something came out differently is no failure: rota_replay_get_report
/// tells it.
///
/// Ownership: *replay is the caller's, to be freed by rota_replay_destroy; the options and what they
/// point to are only read.
/// Threading: any thread; progress is called by it.
/// Errors: NULL_POINTER, INVALID_STRUCT_SIZE, INVALID_ARGUMENT (also a run that the log doesn't have);
/// of the log IO_ERROR, NOT_A_LOG, LOG_DAMAGED, LOG_TOO_NEW, NOT_REPLAYABLE; of the runtime as
/// rota_runtime_open; DEVICE_LOST, and TIMEOUT for a job that takes longer than a minute now.
/// Since: 0.1
rota_status rota_replay_run(const struct rota_replay_options *options,
                            struct rota_replay **replay,
                            struct rota_error **error);

/// Tells what a replay has found.
///
/// Ownership: a copy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE.
/// Since: 0.1
rota_status rota_replay_get_report(struct rota_replay *replay,
                                   struct rota_replay_report *report,
                                   struct rota_error **error);

/// The jobs before the first one that came out differently, of those that may have to do with it: the
/// same tenant's, and those that name one of its buffers, in the order in which they ran. The first
/// `cap` go to `jobs`, and how many there are, at most context of the options, to `needed`. NULL and 0
/// just ask how many there are.
///
/// Ownership: copies.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT. `needed` is always written.
/// Since: 0.1
rota_status rota_replay_get_before(struct rota_replay *replay,
                                   struct rota_replay_job *jobs,
                                   size_t cap,
                                   size_t *needed,
                                   struct rota_error **error);

/// How many jobs came out differently, by opcode, in rising order: the first `cap` go to `counts`, and
/// how many opcodes there are to `needed`. NULL and 0 just ask how many there are.
///
/// Ownership: copies.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT. `needed` is always written.
/// Since: 0.1
rota_status rota_replay_get_counts(struct rota_replay *replay,
                                   struct rota_replay_count *counts,
                                   size_t cap,
                                   size_t *needed,
                                   struct rota_error **error);

/// Frees what a replay has found. NULL does nothing.
///
/// Ownership: takes the replay.
/// Threading: any thread.
/// Errors: INVALID_HANDLE (also for a second destroy).
/// Since: 0.1
rota_status rota_replay_destroy(struct rota_replay *replay, struct rota_error **error);

/// ---- Snapshots ---------------------------------------------------------------------------------
///
/// Reads all metrics at once. Providers are asked first. Nothing is allocated after the first time,
/// unless there is more to tell.
///
/// Ownership: copies; the arrays that the struct names stay the caller's.
/// Threading: any thread; two snapshots of a runtime wait for each other.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_STRUCT_SIZE, INVALID_ARGUMENT; WRONG_STATE from inside a
/// provider; UNSUPPORTED by a library that was built without metrics.
/// Since: 0.1
rota_status rota_metrics_snapshot(struct rota_runtime *runtime,
                                  struct rota_snapshot *snapshot,
                                  struct rota_error **error);

/// Writes all metrics as text in one of the formats ROTA_METRICS_*: the first `cap` bytes go to `text`,
/// followed by a zero if there is room for it, and how many there are to `needed`. NULL and 0 just ask
/// how many that is; when the text is asked for, it may have become longer.
///
/// Ownership: a copy.
/// Threading: any thread; two that ask for text of a runtime wait for each other.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT (an unknown format); WRONG_STATE and UNSUPPORTED
/// as for rota_metrics_snapshot. `needed` is always written.
/// Since: 0.1
rota_status rota_metrics_text(struct rota_runtime *runtime,
                              uint32_t format,
                              char *text,
                              size_t cap,
                              size_t *needed,
                              struct rota_error **error);

/// What happened between two snapshots of a runtime: each counter's difference, and what is as of now
/// from the later one.
///
/// Ownership: a copy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_STRUCT_SIZE.
/// Since: 0.1
rota_status rota_metrics_difference(const struct rota_metrics *later,
                                    const struct rota_metrics *earlier,
                                    struct rota_metrics *difference,
                                    struct rota_error **error);

/// The same of a series. One that has counted less than the earlier one was begun anew, and counts from its
/// beginning.
///
/// Ownership: a copy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_STRUCT_SIZE.
/// Since: 0.1
rota_status rota_tenant_metrics_difference(const struct rota_tenant_metrics *later,
                                           const struct rota_tenant_metrics *earlier,
                                           struct rota_tenant_metrics *difference,
                                           struct rota_error **error);

/// ---- Latency -----------------------------------------------------------------------------------
///
/// How long a tenant's jobs took, those that a rota_latency counts, in ROTA_HISTOGRAM_BUCKETS buckets, which are no wider than an eighth of where they begin: the first `cap`
/// go to `buckets`, and how many there are to `needed`. NULL and 0 just ask how many there are.
/// rota_latency_bound tells what is in which.
///
/// Ownership: copies.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT; UNSUPPORTED by a library that was built
/// without metrics. `needed` is always written.
/// Since: 0.1
rota_status rota_tenant_get_latency(struct rota_tenant *tenant,
                                    uint64_t *buckets,
                                    size_t cap,
                                    size_t *needed,
                                    struct rota_error **error);

/// The longest time in nanoseconds that is counted in a bucket of rota_tenant_get_latency.
///
/// Ownership: none.
/// Threading: any thread.
/// Errors: none; UINT64_MAX for the last bucket and all behind it.
/// Since: 0.1
uint64_t rota_latency_bound(size_t bucket);

/// ---- Providers ---------------------------------------------------------------------------------
///
/// Adds a provider of values that are told beside the library's own, in all formats; provider, which is
/// never 0, is what rota_metrics_provider_remove wants.
///
/// Ownership: `user` stays the caller's and is handed to fn as it is; it has to be valid until the
/// provider is removed or rota_runtime_destroy has returned.
/// Threading: any thread; fn is called by whoever takes a snapshot, also by the library's thread of a metrics
/// socket, by one thread at a time.
/// Errors: NULL_POINTER, INVALID_HANDLE; UNSUPPORTED as for rota_metrics_snapshot.
/// Since: 0.1
rota_status rota_metrics_provider_add(struct rota_runtime *runtime,
                                      rota_metrics_provider_fn fn,
                                      void *user,
                                      uint64_t *provider,
                                      struct rota_error **error);

/// Removes a provider. When this has returned, it is no longer called nor running.
///
/// Ownership: `user` of the provider is the caller's alone again.
/// Threading: any thread, but not from inside a provider.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT (there is no such provider); WRONG_STATE and
/// UNSUPPORTED as for rota_metrics_snapshot.
/// Since: 0.1
rota_status rota_metrics_provider_remove(struct rota_runtime *runtime,
                                         uint64_t provider,
                                         struct rota_error **error);

/// Tells a value, as a gauge of this name. A name has letters, digits and underscores, and begins neither with
/// a digit nor as the library's own do. One that isn't so, or that another value of this snapshot has, is refused and
/// counted in refused_names.
///
/// Ownership: the name is only read.
/// Threading: only inside a provider, with the sink that it was called with.
/// Errors: NULL_POINTER, INVALID_ARGUMENT (the name is refused).
/// Since: 0.1
rota_status rota_metrics_tell(struct rota_metrics_sink *sink,
                              const char *name,
                              size_t name_len,
                              double value,
                              struct rota_error **error);

/// ---- Decisions that were kept ------------------------------------------------------------------
///
/// The last decisions of a runtime that was opened with ROTA_RUNTIME_TRACE, at most 256, the oldest first:
/// the first `cap` go to `decisions`, and how many there are to `needed`. NULL and 0 just ask how many
/// there are. Other runtimes keep none.
///
/// Ownership: copies.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT; UNSUPPORTED as for rota_metrics_snapshot.
/// `needed` is always written.
/// Since: 0.1
rota_status rota_runtime_get_decisions(struct rota_runtime *runtime,
                                       struct rota_decision *decisions,
                                       size_t cap,
                                       size_t *needed,
                                       struct rota_error **error);

/// The same as text, one "<component> <action> saved=<n>ns <detail>" a line: the first `cap` bytes go to
/// `text`, followed by a zero if there is room for it, and how many there are to `needed`. NULL and 0 just
/// ask how many that is.
///
/// Ownership: a copy.
/// Threading: any thread.
/// Errors: NULL_POINTER, INVALID_HANDLE, INVALID_ARGUMENT; UNSUPPORTED as for rota_metrics_snapshot.
/// `needed` is always written.
/// Since: 0.1
rota_status rota_runtime_decisions_text(struct rota_runtime *runtime,
                                        char *text,
                                        size_t cap,
                                        size_t *needed,
                                        struct rota_error **error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ROTA_H */
