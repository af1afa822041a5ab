// rota::recorder_options: how a runtime records its jobs. The calls are the runtime's:
// recorder_state, recorder_path, recorder_sync and recorder_note; rota::recording reads the log.
#ifndef ROTA_RECORDER_HPP
#define ROTA_RECORDER_HPP

#include <cstdint>
#include <rota/types.hpp>
#include <string_view>

namespace rota {
inline namespace ROTA_HPP_DIALECT {

/// How the jobs of a runtime are recorded; a field that is 0 or empty means its default, but for
/// the path. Texts are only read.
struct recorder_options {
    /// The log: a file that is made, or a log that is there and goes on. What is too large for it
    /// lies in the folder of that name with ".objects" behind it.
    std::string_view path = {};
    /// What is kept of the data that the host writes into buffers.
    rota::capture capture = rota::capture::jobs;
    /// Bytes of a new log, 64 KiB to 1 TiB: when it is full the oldest records are overwritten. One
    /// that is there keeps its own. With capture::full at least 4 MiB. 0: 256 MiB, about a million
    /// jobs.
    std::uint64_t capacity_bytes = 0;
    /// Submits don't wait when the disk can't follow; what is missing is counted in the log.
    bool allow_gaps = false;
    /// After an error of the disk no job is accepted any more. Else jobs go on unrecorded.
    bool stop_on_error = false;
    /// Gives up what a log holds that is there.
    bool start_over = false;
    /// The most bytes of modules and captured data. 0: 1 GiB.
    std::uint64_t object_bytes = 0;
    /// How long after a record it is made durable. 0: 100 ms.
    timeout sync_interval = {};
    /// After how many records it is made durable at the latest. 0: only time counts.
    std::uint64_t sync_records = 0;
    /// A folder in memory where records wait for the disk. Empty: /dev/shm.
    std::string_view stage_dir = {};
};

namespace detail {

inline rota_recorder_options raw_of(const recorder_options &options) noexcept {
    rota_recorder_options raw = ROTA_RECORDER_OPTIONS_INIT;
    raw.path = options.path.data();
    raw.path_len = options.path.size();
    raw.capacity_bytes = options.capacity_bytes;
    raw.capture = static_cast<std::uint32_t>(options.capture);
    raw.flags = (options.allow_gaps ? std::uint32_t{ROTA_RECORDER_ALLOW_GAPS} : 0) |
                (options.stop_on_error ? std::uint32_t{ROTA_RECORDER_STOP_ON_ERROR} : 0) |
                (options.start_over ? std::uint32_t{ROTA_RECORDER_START_OVER} : 0);
    raw.object_bytes = options.object_bytes;
    raw.sync_interval_ns = options.sync_interval.ns();
    raw.sync_records = options.sync_records;
    raw.stage_dir = options.stage_dir.data();
    raw.stage_dir_len = options.stage_dir.size();
    return raw;
}

} // namespace detail

} // namespace ROTA_HPP_DIALECT
} // namespace rota

#endif
