// The numbers of rota.h as types, their names and texts, the library's version, and times.
#ifndef ROTA_TYPES_HPP
#define ROTA_TYPES_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <rota/config.hpp>
#include <type_traits>

namespace rota {
inline namespace ROTA_HPP_DIALECT {

/// What a call returns.
enum class status : rota_status {
    ok = ROTA_STATUS_OK,
    would_block = ROTA_STATUS_WOULD_BLOCK,
    timeout = ROTA_STATUS_TIMEOUT,
    invalid_argument = ROTA_STATUS_INVALID_ARGUMENT,
    null_pointer = ROTA_STATUS_NULL_POINTER,
    invalid_struct_size = ROTA_STATUS_INVALID_STRUCT_SIZE,
    invalid_handle = ROTA_STATUS_INVALID_HANDLE,
    invalid_ticket = ROTA_STATUS_INVALID_TICKET,
    invalid_opcode = ROTA_STATUS_INVALID_OPCODE,
    invalid_tiles = ROTA_STATUS_INVALID_TILES,
    out_of_range = ROTA_STATUS_OUT_OF_RANGE,
    out_of_memory = ROTA_STATUS_OUT_OF_MEMORY,
    out_of_device_memory = ROTA_STATUS_OUT_OF_DEVICE_MEMORY,
    out_of_ring_memory = ROTA_STATUS_OUT_OF_RING_MEMORY,
    quota_exceeded = ROTA_STATUS_QUOTA_EXCEEDED,
    no_driver = ROTA_STATUS_NO_DRIVER,
    no_device = ROTA_STATUS_NO_DEVICE,
    device_unsupported = ROTA_STATUS_DEVICE_UNSUPPORTED,
    device_lost = ROTA_STATUS_DEVICE_LOST,
    driver_error = ROTA_STATUS_DRIVER_ERROR,
    stopped = ROTA_STATUS_STOPPED,
    unsupported = ROTA_STATUS_UNSUPPORTED,
    io_error = ROTA_STATUS_IO_ERROR,
    panic = ROTA_STATUS_PANIC,
    wrong_state = ROTA_STATUS_WRONG_STATE,
    invalid_module = ROTA_STATUS_INVALID_MODULE,
    opcode_taken = ROTA_STATUS_OPCODE_TAKEN,
    kernel_full = ROTA_STATUS_KERNEL_FULL,
    log_in_use = ROTA_STATUS_LOG_IN_USE,
    not_a_log = ROTA_STATUS_NOT_A_LOG,
    log_damaged = ROTA_STATUS_LOG_DAMAGED,
    log_too_new = ROTA_STATUS_LOG_TOO_NEW,
    data_missing = ROTA_STATUS_DATA_MISSING,
    not_replayable = ROTA_STATUS_NOT_REPLAYABLE,
};

enum class log_level : std::uint32_t {
    off = ROTA_LOG_OFF,
    error = ROTA_LOG_ERROR,
    warn = ROTA_LOG_WARN,
    info = ROTA_LOG_INFO,
    debug = ROTA_LOG_DEBUG,
    trace = ROTA_LOG_TRACE,
};

enum class device_kind : std::uint32_t {
    other = ROTA_DEVICE_OTHER,
    integrated = ROTA_DEVICE_INTEGRATED,
    discrete = ROTA_DEVICE_DISCRETE,
    virtual_gpu = ROTA_DEVICE_VIRTUAL,
    cpu = ROTA_DEVICE_CPU,
};

enum class mode : std::uint32_t {
    automatic = ROTA_MODE_AUTO,
    resident = ROTA_MODE_RESIDENT,
    batch = ROTA_MODE_BATCH,
};

/// How a call waits.
enum class waiting : std::uint32_t {
    adaptive = ROTA_WAIT_ADAPTIVE,
    spin = ROTA_WAIT_SPIN,
    block = ROTA_WAIT_BLOCK,
};

/// How a job ended.
enum class completion_status : std::uint32_t {
    ok = ROTA_COMPLETION_OK,
    faulted = ROTA_COMPLETION_FAULTED,
    skipped = ROTA_COMPLETION_SKIPPED,
    cancelled = ROTA_COMPLETION_CANCELLED,
    revoked = ROTA_COMPLETION_REVOKED,
    device_lost = ROTA_COMPLETION_DEVICE_LOST,
};

/// Why a job is faulted. From `handler` on: the handler's own code, plus that.
enum class fault : std::uint32_t {
    none = ROTA_FAULT_NONE,
    unknown_opcode = ROTA_FAULT_UNKNOWN_OPCODE,
    handler_unloaded = ROTA_FAULT_HANDLER_UNLOADED,
    invalid_tiles = ROTA_FAULT_INVALID_TILES,
    invalid_buffer = ROTA_FAULT_INVALID_BUFFER,
    foreign_buffer = ROTA_FAULT_FOREIGN_BUFFER,
    read_only = ROTA_FAULT_READ_ONLY,
    out_of_bounds = ROTA_FAULT_OUT_OF_BOUNDS,
    misaligned = ROTA_FAULT_MISALIGNED,
    fuel_exhausted = ROTA_FAULT_FUEL_EXHAUSTED,
    loop_cut = ROTA_FAULT_LOOP_CUT,
    invalid_data = ROTA_FAULT_INVALID_DATA,
    handler = ROTA_FAULT_HANDLER,
};

/// Where a job is.
enum class ticket_state : std::uint32_t {
    open = ROTA_TICKET_OPEN,
    done = ROTA_TICKET_DONE,
    taken = ROTA_TICKET_TAKEN,
};

/// What jobs may do with a buffer. The host may do anything.
enum class access : std::uint32_t {
    read_write = 0,
    read_only = ROTA_BUFFER_READ_ONLY,
};

/// What a tenant is at. It only ever moves on.
enum class tenant_state : std::uint32_t {
    /// It accepts jobs.
    active = ROTA_TENANT_ACTIVE,
    /// It was drained: it accepts no more jobs.
    draining = ROTA_TENANT_DRAINING,
    /// It was revoked: its jobs end.
    revoked = ROTA_TENANT_REVOKED,
};

/// Of the tenants that have a turn, those of a better class go first. It decides who waits, and not
/// how much anybody gets: that is what weights are for.
enum class latency_class : std::uint32_t {
    normal = ROTA_CLASS_NORMAL,
    /// Before all others.
    interactive = ROTA_CLASS_INTERACTIVE,
    /// Behind all others.
    background = ROTA_CLASS_BACKGROUND,
};

/// What a quota limits.
enum class resource : std::uint32_t {
    /// Slots of the ring: held from a job's submit until its completion and all before it are
    /// taken.
    slots = ROTA_RESOURCE_SLOTS,
    /// Bytes that the host is copying to or from buffers.
    staging_bytes = ROTA_RESOURCE_STAGING_BYTES,
    /// Buffers, granted ones too: held until the device is done with them.
    buffers = ROTA_RESOURCE_BUFFERS,
    /// Bytes of the tenant's own buffers: held as long.
    buffer_bytes = ROTA_RESOURCE_BUFFER_BYTES,
    /// Modules: held until they are unloaded.
    modules = ROTA_RESOURCE_MODULES,
    /// Loop iterations that a lane of a job may run.
    fuel_per_job = ROTA_RESOURCE_FUEL_PER_JOB,
    /// Loop iterations of all jobs together in a second.
    fuel_per_second = ROTA_RESOURCE_FUEL_PER_SECOND,
    /// What an error is about that is about no quota.
    none = ROTA_RESOURCE_NONE,
};

/// How many resources there are, `none` not counted.
inline constexpr std::size_t resource_count = ROTA_RESOURCES;
/// A cap that limits nothing.
inline constexpr std::uint64_t unlimited = ROTA_UNLIMITED;

/// How a handler of a module is run.
enum class handler_kind : std::uint32_t {
    /// One lane runs a job alone.
    scalar = ROTA_HANDLER_SCALAR,
    /// A job has tiles, and all lanes of a worker run one.
    tiled = ROTA_HANDLER_TILED,
};

/// The lowest opcode that a loaded handler can have.
inline constexpr std::uint32_t first_opcode = ROTA_FIRST_OPCODE;

/// What a flight recorder keeps of the data that the host writes into buffers.
enum class capture : std::uint32_t {
    /// Nothing.
    jobs = ROTA_CAPTURE_JOBS,
    /// The BLAKE3 hash.
    digests = ROTA_CAPTURE_DIGESTS,
    /// The data too, so that the log can be run again by itself.
    full = ROTA_CAPTURE_FULL,
};

/// What a program knows of a failure; see runtime::recorder_note.
enum class evidence : std::uint32_t {
    /// The device was lost.
    device_loss = ROTA_EVIDENCE_DEVICE_LOSS,
    /// It may not happen again.
    transient = ROTA_EVIDENCE_TRANSIENT,
    /// A bug in the program.
    program_bug = ROTA_EVIDENCE_PROGRAM_BUG,
    /// Nobody knows yet.
    unclassified = ROTA_EVIDENCE_UNCLASSIFIED,
};

/// How a log is read.
enum class reading : std::uint32_t {
    /// What is missing or damaged is the error log_damaged, and the end.
    strict = 0,
    /// What is missing or damaged is a record of the kind missing, and what is behind it is read.
    salvage = ROTA_RECORDING_SALVAGE,
};

/// What a record is of. Which fields a kind sets stands in rota.h.
enum class record_kind : std::uint32_t {
    /// No record: the end.
    end = ROTA_RECORD_END,
    /// A runtime was opened.
    run_start = ROTA_RECORD_RUN_START,
    /// A runtime was closed, in order.
    run_end = ROTA_RECORD_RUN_END,
    /// With a tenant_event.
    tenant = ROTA_RECORD_TENANT,
    /// With a module_event.
    module = ROTA_RECORD_MODULE,
    /// With a buffer_event.
    buffer = ROTA_RECORD_BUFFER,
    /// A job was submitted.
    job = ROTA_RECORD_JOB,
    /// A completion was taken.
    completion = ROTA_RECORD_COMPLETION,
    /// What runtime::recorder_note was told, with its evidence.
    evidence = ROTA_RECORD_EVIDENCE,
    /// Records are missing that nobody kept; with a gap_event.
    gap = ROTA_RECORD_GAP,
    /// A moment without an open job, from which the log can be run again.
    checkpoint = ROTA_RECORD_CHECKPOINT,
    /// A line for people.
    note = ROTA_RECORD_NOTE,
    /// A cell without a record; with a void_event.
    void_cell = ROTA_RECORD_VOID,
    /// Cells that give no record; with a missing_event.
    missing = ROTA_RECORD_MISSING,
    /// A record of a kind that a later version has.
    unknown = ROTA_RECORD_UNKNOWN,
};

/// What happened to a tenant. Events of a later version have other numbers; so it is below.
enum class tenant_event : std::uint32_t {
    created = ROTA_EVENT_TENANT_CREATED,
    /// Its settings changed. This version doesn't record that.
    changed = ROTA_EVENT_TENANT_CHANGED,
    draining = ROTA_EVENT_TENANT_DRAINING,
    revoked = ROTA_EVENT_TENANT_REVOKED,
    destroyed = ROTA_EVENT_TENANT_DESTROYED,
};

/// What happened to a module.
enum class module_event : std::uint32_t {
    loaded = ROTA_EVENT_MODULE_LOADED,
    replaced = ROTA_EVENT_MODULE_REPLACED,
    unloaded = ROTA_EVENT_MODULE_UNLOADED,
    granted = ROTA_EVENT_MODULE_GRANTED,
};

/// What happened to a buffer.
enum class buffer_event : std::uint32_t {
    /// With length and read_only.
    created = ROTA_EVENT_BUFFER_CREATED,
    /// With offset, length, and the hash of what is captured.
    written = ROTA_EVENT_BUFFER_WRITTEN,
    /// With offset, length and value.
    filled = ROTA_EVENT_BUFFER_FILLED,
    /// other_tenant has it as other_buffer, read_only or not.
    granted = ROTA_EVENT_BUFFER_GRANTED,
    /// From other_tenant.
    taken_back = ROTA_EVENT_BUFFER_TAKEN_BACK,
    destroyed = ROTA_EVENT_BUFFER_DESTROYED,
    /// What the host writes there is not recorded.
    mapped = ROTA_EVENT_BUFFER_MAPPED,
    unmapped = ROTA_EVENT_BUFFER_UNMAPPED,
    /// With length and read_only; what the memory holds is not recorded.
    imported = ROTA_EVENT_BUFFER_IMPORTED,
};

/// Why records are missing that nobody kept.
enum class gap_event : std::uint32_t {
    /// The disk could not follow: see recorder_options::allow_gaps.
    full = ROTA_EVENT_GAP_FULL,
    /// The same, in a run that did not close the log.
    crash = ROTA_EVENT_GAP_CRASH,
};

/// Why a cell has no record.
enum class void_event : std::uint32_t {
    /// It was reserved for a job that was refused.
    dropped = ROTA_EVENT_VOID_DROPPED,
    /// It was reserved, and not recorded when the process ended.
    uncommitted = ROTA_EVENT_VOID_UNCOMMITTED,
    /// It did not reach the disk whole before a crash.
    lost = ROTA_EVENT_VOID_LOST,
};

/// Why cells give no record.
enum class missing_event : std::uint32_t {
    /// Nothing was ever written there.
    hole = ROTA_EVENT_MISSING_HOLE,
    /// Half written.
    torn = ROTA_EVENT_MISSING_TORN,
    /// Damaged: it was on the disk, and has changed since.
    corrupt = ROTA_EVENT_MISSING_CORRUPT,
    /// An older cell is in its place.
    stale = ROTA_EVENT_MISSING_STALE,
    /// A newer cell is in its place: the log is being written, and faster than it is read.
    overwritten = ROTA_EVENT_MISSING_OVERWRITTEN,
    /// The cells are good, but others of the same record are not there.
    incomplete = ROTA_EVENT_MISSING_INCOMPLETE,
};

namespace detail {

// The kind of records that a type of events is of; end for every other type.
template <class Event> inline constexpr record_kind kind_of = record_kind::end;
template <> inline constexpr record_kind kind_of<tenant_event> = record_kind::tenant;
template <> inline constexpr record_kind kind_of<module_event> = record_kind::module;
template <> inline constexpr record_kind kind_of<buffer_event> = record_kind::buffer;
template <> inline constexpr record_kind kind_of<evidence> = record_kind::evidence;
template <> inline constexpr record_kind kind_of<gap_event> = record_kind::gap;
template <> inline constexpr record_kind kind_of<void_event> = record_kind::void_cell;
template <> inline constexpr record_kind kind_of<missing_event> = record_kind::missing;

} // namespace detail

/// How a log came out when it was run again.
enum class replay_outcome : std::uint32_t {
    /// Every job that could be compared came out the same.
    same = ROTA_REPLAY_SAME,
    /// One came out differently, and nothing excuses it.
    different = ROTA_REPLAY_DIFFERENT,
    /// What could be compared is the same, but something could not, for want of data or records.
    not_comparable = ROTA_REPLAY_NOT_COMPARABLE,
};

/// What differs in a job that came out differently.
enum class difference : std::uint32_t {
    status = ROTA_DIFFERS_STATUS,
    fault = ROTA_DIFFERS_FAULT,
    results = ROTA_DIFFERS_RESULTS,
    /// The digest of what it wrote.
    digest = ROTA_DIFFERS_DIGEST,
};

/// How a lease ended.
enum class lease_end : std::uint32_t {
    /// The lease before or behind it had ended.
    ended = ROTA_LEASE_ENDED,
    /// The host told it to.
    stopped = ROTA_LEASE_STOPPED,
    /// Its fuel was used up.
    fuel = ROTA_LEASE_FUEL,
    /// It found no work.
    idle = ROTA_LEASE_IDLE,
    /// A thread waited for a completion.
    notify = ROTA_LEASE_NOTIFY,
};

/// What a runtime has decided. Those of a later version have other numbers.
enum class action : std::uint32_t {
    /// mode::resident or mode::batch, when the runtime was opened.
    mode_chosen = ROTA_ACTION_MODE_CHOSEN,
    /// How much fuel leases have from now on.
    lease_tuned = ROTA_ACTION_LEASE_TUNED,
    /// A narrow lease was ended for one with all workers.
    lease_widened = ROTA_ACTION_LEASE_WIDENED,
    /// The kernel was parked although a tenant has jobs: its limits make it wait.
    tenant_throttled = ROTA_ACTION_TENANT_THROTTLED,
    /// Leases run another kernel, or another table of handlers.
    module_switched = ROTA_ACTION_MODULE_SWITCHED,
    kernel_compiled = ROTA_ACTION_KERNEL_COMPILED,
    /// A kernel that had been compiled before was used again.
    kernel_reused = ROTA_ACTION_KERNEL_REUSED,
    /// The device on which kernels are tried out was given up after a failure.
    trial_renewed = ROTA_ACTION_TRIAL_RENEWED,
};

/// Which jobs have spans, as OpenTelemetry's samplers say. Those called parent go by the sampled
/// flag of the job's trace context, and only jobs without a context are sampled as the name says.
enum class sampler : std::uint32_t {
    /// What $OTEL_TRACES_SAMPLER and $OTEL_TRACES_SAMPLER_ARG say; without them parent_always_on.
    environment = ROTA_SAMPLER_ENVIRONMENT,
    /// All.
    always_on = ROTA_SAMPLER_ALWAYS_ON,
    /// None.
    always_off = ROTA_SAMPLER_ALWAYS_OFF,
    /// The part of them that sample_ratio says; those with a trace context by their trace id.
    ratio = ROTA_SAMPLER_RATIO,
    /// All without a context.
    parent_always_on = ROTA_SAMPLER_PARENT_ALWAYS_ON,
    /// None without a context.
    parent_always_off = ROTA_SAMPLER_PARENT_ALWAYS_OFF,
    /// A part of those without a context.
    parent_ratio = ROTA_SAMPLER_PARENT_RATIO,
};

/// How metrics are written.
enum class metrics_format : std::uint32_t {
    /// text/plain; version=0.0.4; charset=utf-8
    prometheus = ROTA_METRICS_PROMETHEUS,
    /// application/openmetrics-text; version=1.0.0; charset=utf-8
    openmetrics = ROTA_METRICS_OPENMETRICS,
    /// application/json
    json = ROTA_METRICS_JSON,
};

/// A time that was not observed: there is nothing that it could be of.
inline constexpr std::uint64_t not_observed = ROTA_NOT_OBSERVED;
/// Bytes of a label in metrics, with its zero. Longer labels are cut, and end with a part of their
/// hash.
inline constexpr std::size_t label_bytes = ROTA_LABEL_BYTES;
/// Buckets of the latency in tenant_metrics and runtime_metrics.
inline constexpr std::size_t latency_buckets = ROTA_LATENCY_BUCKETS;
/// Buckets of a latency_histogram.
inline constexpr std::size_t histogram_buckets = ROTA_HISTOGRAM_BUCKETS;
/// Elements of leases in runtime_metrics.
inline constexpr std::size_t lease_ends = ROTA_LEASE_ENDS;
/// How many actions there are: elements of decisions in runtime_metrics.
inline constexpr std::size_t action_count = ROTA_ACTIONS;

/// As replay_options::run: the last one.
inline constexpr std::uint64_t last_run = ROTA_LAST_RUN;

/// Names a submitted job; never 0. Tickets of one tenant don't repeat.
using ticket = rota_ticket;
/// A range of a buffer to read, in bytes; see tenant::read_into.
using read_range = rota_read;
/// Texts in it are zero-terminated UTF-8.
using device_info = rota_device_info;
/// Texts in it are zero-terminated UTF-8.
using runtime_info = rota_runtime_info;
using outputs_stats = rota_outputs_stats;
/// What loading a module took, in nanoseconds, and its version.
using module_report = rota_module_report;
/// How a flight recorder is doing. Cells are what a log is made of, 128 bytes each, numbered from 1
/// on. A number that ends a range is the first beyond it.
using recorder_state = rota_recorder_state;
/// How the spans of a runtime are doing.
using span_stats = rota_span_stats;
/// What a log says of itself, and what was read of it so far.
using recording_info = rota_recording_info;
/// A job of a log; recording::seek finds its record by `seq`.
using replay_job = rota_replay_job;
/// How many jobs with an opcode came out differently, without those that something excuses.
using replay_count = rota_replay_count;

namespace detail {

template <std::size_t N>
std::uint64_t at(const std::uint64_t (&counts)[N], std::uint32_t i) noexcept {
    return i < N ? counts[i] : 0;
}

} // namespace detail

/// The arrays of Raw, rota_tenant_counters or rota_counts, read by what they count; what they don't
/// know is 0.
template <class Raw> struct counted_by : Raw {
    explicit counted_by(const Raw &raw) noexcept : Raw(raw) {}

    /// Completions taken that ended so.
    std::uint64_t taken_as(completion_status how) const noexcept {
        return detail::at(this->taken, static_cast<std::uint32_t>(how));
    }
    /// Completions taken with this fault; those with handlers' own codes count together.
    std::uint64_t faulted_by(fault why) const noexcept {
        constexpr std::size_t last = sizeof(Raw::faulted) / sizeof(std::uint64_t) - 1;
        return why >= fault::handler ? this->faulted[last]
                                     : detail::at(this->faulted, static_cast<std::uint32_t>(why));
    }
    /// How often a quota refused it.
    std::uint64_t refusals_of(resource what) const noexcept {
        return detail::at(this->refused, static_cast<std::uint32_t>(what));
    }
    /// How much is in use; 0 for fuel.
    std::uint64_t used_of(resource what) const noexcept {
        return detail::at(this->used, static_cast<std::uint32_t>(what));
    }
    /// How much the tenant's own quota allows; of slots at most the ring's.
    std::uint64_t cap_of(resource what) const noexcept {
        return detail::at(this->cap, static_cast<std::uint32_t>(what));
    }
};

/// What a tenant has done and has: the fields of rota_tenant_counters.
struct tenant_counters : counted_by<rota_tenant_counters> {
    tenant_counters() noexcept : counted_by(rota_tenant_counters ROTA_TENANT_COUNTERS_INIT) {}
};

static_assert(sizeof(tenant_counters) == sizeof(rota_tenant_counters));

/// Such as "ROTA_STATUS_WOULD_BLOCK". These texts are static.
inline const char *name(status code) noexcept {
    return ::rota_status_name(static_cast<rota_status>(code));
}
inline const char *name(completion_status code) noexcept {
    return ::rota_completion_status_name(static_cast<std::uint32_t>(code));
}
inline const char *name(fault code) noexcept {
    return ::rota_fault_name(static_cast<std::uint32_t>(code));
}
inline const char *name(resource what) noexcept {
    return ::rota_resource_name(static_cast<std::uint32_t>(what));
}
inline const char *name(record_kind what) noexcept {
    return ::rota_record_name(static_cast<std::uint32_t>(what));
}
inline const char *name(replay_outcome how) noexcept {
    return ::rota_outcome_name(static_cast<std::uint32_t>(how));
}
/// The name of a tenant_event, evidence or another of the events of records.
template <class Event, class = std::enable_if_t<detail::kind_of<Event> != record_kind::end>>
const char *name(Event what) noexcept {
    return ::rota_event_name(static_cast<std::uint32_t>(detail::kind_of<Event>),
                             static_cast<std::uint32_t>(what));
}

/// What it means, in one line of English. These texts are static.
inline const char *text(status code) noexcept {
    return ::rota_status_text(static_cast<rota_status>(code));
}
inline const char *text(fault code) noexcept {
    return ::rota_fault_text(static_cast<std::uint32_t>(code));
}

/// The library's version: major << 16 | minor << 8 | patch. The header's is ROTA_VERSION_*.
inline std::uint32_t library_version() noexcept { return ::rota_version(); }
/// Such as "0.1.0".
inline const char *library_version_text() noexcept { return ::rota_version_text(); }

/// How long to wait: any std::chrono::duration. Below 0 is 0, which doesn't wait; parts of a
/// nanosecond are rounded up; what is too long for 64 bits of nanoseconds is `forever`.
class timeout {
  public:
    constexpr timeout() noexcept = default;
    template <class Rep, class Period>
    constexpr timeout(std::chrono::duration<Rep, Period> time) noexcept : ns_(of(time)) {}

    static constexpr timeout from_ns(std::uint64_t ns) noexcept {
        timeout made;
        made.ns_ = ns;
        return made;
    }
    constexpr std::uint64_t ns() const noexcept { return ns_; }

  private:
    template <class Rep, class Period>
    static constexpr std::uint64_t of(std::chrono::duration<Rep, Period> time) noexcept {
        using to_ns = std::ratio_divide<Period, std::nano>;
        // Not "<= 0": a NaN is no time.
        if (!(time.count() > Rep(0)))
            return 0;
        if constexpr (std::is_floating_point_v<Rep>) {
            const long double ns = static_cast<long double>(time.count()) *
                                   static_cast<long double>(to_ns::num) /
                                   static_cast<long double>(to_ns::den);
            if (!(ns < 18446744073709551615.0L))
                return ROTA_FOREVER;
            const auto whole = static_cast<std::uint64_t>(ns);
            return whole + (static_cast<long double>(whole) < ns ? 1 : 0);
        } else {
            const auto count = static_cast<std::uint64_t>(time.count());
            constexpr auto num = static_cast<std::uint64_t>(to_ns::num);
            constexpr auto den = static_cast<std::uint64_t>(to_ns::den);
            if (count > std::numeric_limits<std::uint64_t>::max() / num)
                return ROTA_FOREVER;
            return count * num / den + (count * num % den != 0 ? 1 : 0);
        }
    }

    std::uint64_t ns_ = 0;
};

inline constexpr timeout forever = timeout::from_ns(ROTA_FOREVER);

} // namespace ROTA_HPP_DIALECT
} // namespace rota

#endif
