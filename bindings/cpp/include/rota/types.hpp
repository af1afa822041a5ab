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

/// What a tenant has done and has: the fields of rota_tenant_counters. Its arrays are read by what
/// they count; what they don't know is 0.
struct tenant_counters : rota_tenant_counters {
    tenant_counters() noexcept : rota_tenant_counters ROTA_TENANT_COUNTERS_INIT {}

    /// Completions taken that ended so.
    std::uint64_t taken_as(completion_status how) const noexcept {
        return at(taken, static_cast<std::uint32_t>(how));
    }
    /// Completions taken with this fault; those with handlers' own codes count together.
    std::uint64_t faulted_by(fault why) const noexcept {
        constexpr std::size_t last = sizeof faulted / sizeof *faulted - 1;
        return why >= fault::handler ? faulted[last] : at(faulted, static_cast<std::uint32_t>(why));
    }
    /// How often a quota refused it.
    std::uint64_t refusals_of(resource what) const noexcept {
        return at(refused, static_cast<std::uint32_t>(what));
    }
    /// How much is in use; 0 for fuel.
    std::uint64_t used_of(resource what) const noexcept {
        return at(used, static_cast<std::uint32_t>(what));
    }
    /// How much the tenant's own quota allows; of slots at most the ring's.
    std::uint64_t cap_of(resource what) const noexcept {
        return at(cap, static_cast<std::uint32_t>(what));
    }

  private:
    template <std::size_t N>
    static std::uint64_t at(const std::uint64_t (&counts)[N], std::uint32_t i) noexcept {
        return i < N ? counts[i] : 0;
    }
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
