// rota::runtime: an opened device with its kernel; and the list of devices.
#ifndef ROTA_RUNTIME_HPP
#define ROTA_RUNTIME_HPP

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <rota/quota.hpp>
#include <rota/recorder.hpp>
#include <rota/result.hpp>
#include <rota/span.hpp>
#include <rota/spans.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace rota {
inline namespace ROTA_HPP_DIALECT {

class metrics_provider;
class module;
class snapshot;
class tenant;
struct decision;
struct module_options;

/// How to open a runtime; a field that is 0 or empty means its default. Texts are only read.
struct runtime_options {
    /// An index ("0"), a kind ("cpu", "integrated", "discrete", "virtual"), or part of the name.
    /// Empty: $ROTA_DEVICE, and without it the best device.
    std::string_view device = {};
    rota::mode mode = rota::mode::automatic;
    /// Workers of a wide lease, at most 256. 0: what suits the device.
    std::uint32_t workers = 0;
    /// How long the kernel looks for work before it parks. 0: 200 us; forever: it never parks.
    timeout idle_limit = {};
    /// Most tenants at once. 0: 4,096, or what fits the device.
    std::uint32_t max_tenants = 0;
    /// Slots of a tenant's ring where the tenant doesn't say; a power of two. 0: 1,024.
    std::uint32_t slots = 0;
    /// Device memory to allocate at once, in bytes. 0: one segment.
    std::uint64_t memory_bytes = 0;
    /// Folder of the pipeline cache. Empty: $ROTA_CACHE_DIR, and without it the user's.
    std::string_view cache_dir = {};
    /// Run under the Khronos validation layer; its messages go to the log.
    bool validate = false;
    /// Neither read nor write the pipeline cache on disk.
    bool no_cache = false;
    /// Make a digest of what each job stores: digest of its completion. It costs a part of each
    /// store, and 8 bytes a slot. A runtime with a flight recorder does so anyway.
    bool write_digests = false;
    /// Keep the last 256 decisions, each with its reason: runtime::decisions. So it is too where
    /// $ROTA_TRACE is 1.
    bool trace = false;
    /// Where the rings start counting, below 2^31. Tests start just below the wrap.
    std::uint32_t first_position = 0;
    /// Loop iterations after which a lease ends. 0: tuned to the device.
    std::uint32_t lease_fuel = 0;
    /// Loop iterations that a lane of any job may be given at most. 0, or more than the device can
    /// run in one go: just that.
    std::uint32_t most_fuel = 0;
    /// The most that all tenants together may have.
    rota::quota quota = {};
    /// How its jobs are recorded. None: what $ROTA_RECORD and $ROTA_CAPTURE say, and without them
    /// not at all.
    std::optional<recorder_options> recorder = {};
    /// Labels of tenants that have a series of their own in the metrics, at most 65,535; all others
    /// share one. 0: 1,024.
    std::uint32_t max_series = 0;
    /// Where a Unix socket is made, for this user only, through which `rota top` and other programs
    /// look at the metrics; at most 107 bytes. Empty: what $ROTA_METRICS_SOCKET says, and without
    /// it none.
    std::string_view metrics_socket = {};
    /// Which of its jobs have spans, and where these go. None: OTLP where $OTEL_TRACES_EXPORTER is
    /// otlp, the file that $ROTA_SPANS names, and without them no spans.
    std::optional<span_options> spans = {};
};

/// How to create a tenant; a field that is 0 or empty means its default. Texts are only read.
struct tenant_options {
    /// A name for logs and tools.
    std::string_view label = {};
    /// Slots of the ring, which is how many jobs can be open; a power of two. 0: the runtime's.
    std::uint32_t slots = 0;
    /// How many opcodes it has for handlers that it loads, from first_opcode on; at most 65,536.
    /// 0: 4,096.
    std::uint32_t opcodes = 0;
    /// Loop iterations a lane may run where neither job nor handler say. 0: 8,000 for a scalar job,
    /// 3,000 for a tile, or what the device can run in one go.
    std::uint32_t fuel = 0;
    /// How much of the device it gets where others want it too, relative to their weights: 1 to
    /// 10,000. 0: 100.
    std::uint32_t weight = 0;
    rota::latency_class latency_class = rota::latency_class::normal;
    /// Thousandths of the device's time that it may use, also where nobody else wants it. 0: all.
    std::uint32_t share_permille = 0;
    /// An exclusion group: tenants with the same number never have jobs running at the same time.
    /// At most the runtime's max_tenants. 0: none.
    std::uint32_t group = 0;
    /// The most that it may have.
    rota::quota quota = {};
};

namespace detail {

// The function of a provider of metrics.
struct provider_function {
    provider_function() = default;
    provider_function(const provider_function &) = delete;
    provider_function &operator=(const provider_function &) = delete;
    virtual ~provider_function() = default;

    virtual void ask(rota_metrics_sink *sink) = 0;
};

// What the library calls for it.
class provider_call {
  public:
    explicit provider_call(std::unique_ptr<provider_function> function) noexcept
        : function_(std::move(function)) {}

    static void forward(void *user, rota_metrics_sink *sink) noexcept {
        auto &self = *static_cast<provider_call *>(user);
        const std::lock_guard<std::mutex> guard(self.lock_);
        if (self.function_ == nullptr)
            return;
#if ROTA_HPP_EXCEPTIONS
        try {
            self.function_->ask(sink);
        } catch (...) {
            // It can't pass through the library, and there is nobody to tell.
        }
#else
        self.function_->ask(sink);
#endif
    }
    // When this has returned, the function is gone.
    void end() noexcept {
        std::unique_ptr<provider_function> gone; // freed without the lock
        const std::lock_guard<std::mutex> guard(lock_);
        gone.swap(function_);
    }

    // In the list of its runtime_owner.
    std::unique_ptr<provider_call> next;

  private:
    std::mutex lock_;
    std::unique_ptr<provider_function> function_;
};

// Holds the C handle for the runtime and all that came of it.
struct runtime_owner {
    std::atomic<rota_runtime *> handle{nullptr};
    // Providers that could not be removed, because the runtime was being closed: a snapshot that
    // another thread is in may still call them.
    std::unique_ptr<provider_call> left;
    std::mutex lock;

    runtime_owner() = default;
    runtime_owner(const runtime_owner &) = delete;
    runtime_owner &operator=(const runtime_owner &) = delete;
    ~runtime_owner() { static_cast<void>(::rota_runtime_destroy(handle.load(), nullptr)); }
};

inline result<void> same_version() {
    const std::uint32_t library = library_version();
    constexpr std::uint32_t header = ROTA_VERSION_MAJOR << 16 | ROTA_VERSION_MINOR << 8;
    // Before 1.0 the interface may change with each minor version.
    constexpr std::uint32_t counts = ROTA_VERSION_MAJOR == 0 ? 0xffffff00 : 0xffff0000;
    if ((library & counts) == (header & counts))
        return {};
    static const std::string message =
        "the program was built with the header of Rota " + std::to_string(ROTA_VERSION_MAJOR) +
        "." + std::to_string(ROTA_VERSION_MINOR) + "." + std::to_string(ROTA_VERSION_PATCH) +
        ", but the library is " + library_version_text() +
        ": build it with the header that came with the library";
    return error(status::unsupported, message.c_str());
}

// What the options as C has them point to.
struct pointed_to {
    rota_quota most;
    rota_recorder_options recorder;
    rota_span_options spans;
};

inline rota_runtime_options raw_of(const runtime_options &options, pointed_to &to) noexcept {
    rota_runtime_options raw = ROTA_RUNTIME_OPTIONS_INIT;
    raw.device = options.device.data();
    raw.device_len = options.device.size();
    raw.mode = static_cast<std::uint32_t>(options.mode);
    raw.workers = options.workers;
    raw.idle_limit_ns = options.idle_limit.ns();
    raw.max_tenants = options.max_tenants;
    raw.slots = options.slots;
    raw.memory_bytes = options.memory_bytes;
    raw.cache_dir = options.cache_dir.data();
    raw.cache_dir_len = options.cache_dir.size();
    raw.flags = (options.validate ? std::uint32_t{ROTA_RUNTIME_VALIDATE} : 0) |
                (options.no_cache ? std::uint32_t{ROTA_RUNTIME_NO_CACHE} : 0) |
                (options.write_digests ? std::uint32_t{ROTA_RUNTIME_WRITE_DIGESTS} : 0) |
                (options.trace ? std::uint32_t{ROTA_RUNTIME_TRACE} : 0);
    raw.first_position = options.first_position;
    raw.lease_fuel = options.lease_fuel;
    raw.most_fuel = options.most_fuel;
    to.most = raw_of(options.quota);
    raw.quota = &to.most;
    if (options.recorder) {
        to.recorder = raw_of(*options.recorder);
        raw.recorder = &to.recorder;
    }
    raw.max_series = options.max_series;
    raw.metrics_socket = options.metrics_socket.data();
    raw.metrics_socket_len = options.metrics_socket.size();
    if (options.spans) {
        to.spans = raw_of(*options.spans);
        raw.spans = &to.spans;
    }
    return raw;
}

// Everything that call(room, cap, needed, error) lists, however much that has become meanwhile.
template <class T, class Call> result<std::vector<T>> listed(const T &empty, Call call) {
    std::vector<T> list;
    for (;;) {
        std::size_t needed = 0;
        failure why;
        const rota_status code = call(list.data(), list.size(), &needed, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        if (needed <= list.size()) {
            list.resize(needed);
            return list;
        }
        list.assign(needed, empty);
    }
}

} // namespace detail

/// One opened device with its kernel. Tenants made of it keep it open: it closes when the last of
/// them is gone, or with close(). Every call may be made from any thread; moving and assigning may
/// not be done beside them.
class runtime {
  public:
    /// No runtime: calls give null_pointer.
    runtime() noexcept = default;

    /// Opens a device and starts the pump.
    /// Errors: as rota_runtime_open; unsupported when header and library don't fit together.
    static result<runtime> open(const runtime_options &options = {}) {
        auto fits = detail::same_version();
        if (!fits)
            return std::move(fits).error();
        detail::pointed_to to;
        const rota_runtime_options raw = detail::raw_of(options, to);

        runtime opened;
        opened.owner_ = std::make_shared<detail::runtime_owner>();
        detail::failure why;
        const rota_status code = ::rota_runtime_open(&raw, &opened.handle_, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        opened.owner_->handle = opened.handle_;
        return opened;
    }

    runtime(runtime &&other) noexcept
        : owner_(std::move(other.owner_)), handle_(std::exchange(other.handle_, nullptr)) {}
    runtime &operator=(runtime &&other) noexcept {
        owner_ = std::move(other.owner_);
        handle_ = std::exchange(other.handle_, nullptr);
        return *this;
    }

    /// See rota_tenant_create.
    result<tenant> create_tenant(const tenant_options &options = {}) const;

    /// Loads a module that no tenant owns; module::grant lets tenants call its handlers. It takes
    /// as long as the driver's compiler, seconds on software drivers, while jobs go on.
    /// Errors: as rota_runtime_module_load.
    result<module> load(const module_options &options) const;

    /// The ids of its tenants, in rising order.
    result<std::vector<std::uint64_t>> tenants() const {
        return detail::listed(std::uint64_t{0}, [this](std::uint64_t *room, auto... place) {
            return ::rota_runtime_tenants(handle_, room, place...);
        });
    }
    /// The tenant with an id, without owning it: its end and close() leave that tenant alone, and
    /// once whose it is has ended it, calls give invalid_handle. It keeps this runtime open.
    /// Errors: invalid_handle if no tenant has this id any more.
    result<tenant> find_tenant(std::uint64_t id) const;
    /// What each of its tenants has done and has, in the order of their ids.
    result<std::vector<tenant_counters>> counters() const {
        return detail::listed(tenant_counters(), [this](tenant_counters *room, auto... place) {
            return ::rota_runtime_get_counters(handle_, room, place...);
        });
    }

    /// Picks tenants that go together, none of which has a conflict with another, so that none of
    /// the rest could be added. `conflicts` has a row of ids.size() bytes for each of them: byte
    /// [a * ids.size() + b] is not 0 if ids[a] must not run beside ids[b]; a mark in one direction
    /// is enough. Who was not picked for longest comes first. Gives indices into ids, in rising
    /// order. Errors: as rota_runtime_pick.
    result<std::vector<std::uint32_t>> pick(span<const std::uint64_t> ids,
                                            span<const std::uint8_t> conflicts) const {
        std::vector<std::uint32_t> picked(ids.size());
        std::size_t count = 0;
        detail::failure why;
        const rota_status code =
            ::rota_runtime_pick(handle_, ids.data(), ids.size(), conflicts.data(), conflicts.size(),
                                picked.data(), &count, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        picked.resize(count);
        return picked;
    }

    /// What it is and has done; the counts are read one by one while work goes on.
    result<runtime_info> info() const {
        runtime_info told = ROTA_RUNTIME_INFO_INIT;
        detail::failure why;
        const rota_status code = ::rota_runtime_get_info(handle_, &told, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return told;
    }

    /// How its flight recorder is doing; the numbers are read one by one while work goes on.
    /// Errors: wrong_state if it has none.
    result<rota::recorder_state> recorder_state() const noexcept {
        rota::recorder_state told = ROTA_RECORDER_STATE_INIT;
        detail::failure why;
        const rota_status code = ::rota_recorder_get_state(handle_, &told, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return told;
    }
    /// The path of the log, as it was given. Errors: wrong_state if there is no recorder.
    result<std::string> recorder_path() const {
        return detail::listed(char{0},
                              [this](char *room, auto... place) {
                                  return ::rota_recorder_get_path(handle_, room, place...);
                              })
            .transform([](std::vector<char> path) { return std::string(path.data()); });
    }
    /// Returns when all that was recorded before is durable: it survives a power cut from then on.
    /// Gives the first number that may not. Errors: timeout; io_error when an error of the disk has
    /// ended the recording; as rota_recorder_sync.
    result<std::uint64_t> recorder_sync(timeout time = forever) const noexcept {
        std::uint64_t durable = 0;
        detail::failure why;
        const rota_status code = ::rota_recorder_sync(handle_, time.ns(), &durable, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return durable;
    }
    /// Adds the caller's own evidence of a failure to the log: `code` is what a driver or another
    /// library said, `bytes` anything else, of which the log keeps the first 16 KiB, the hash and
    /// the length. Errors: as rota_recorder_note.
    result<void> recorder_note(evidence what, std::int32_t code = 0,
                               std::string_view bytes = {}) const noexcept {
        detail::failure why;
        return why.outcome(::rota_recorder_note(handle_, nullptr, 0,
                                                static_cast<std::uint32_t>(what), code,
                                                bytes.data(), bytes.size(), why.slot()));
    }
    /// The same about a tenant of this runtime, and about one of its jobs; 0 for no one job.
    result<void> recorder_note(const tenant &of, ticket job, evidence what, std::int32_t code = 0,
                               std::string_view bytes = {}) const noexcept;

    /// Reads all metrics at once. The memory of `to` is used again: it grows when there is more to
    /// tell, and then providers are asked twice; else nothing is allocated. What it gave before is
    /// invalid from here on, and after an error it is empty.
    /// Errors: as rota_metrics_snapshot.
    result<void> metrics(snapshot &to) const;
    /// Writes all metrics into `to`, whose memory is used again. After an error it is empty.
    /// Errors: invalid_argument for an unknown format; as rota_metrics_text.
    result<void> metrics_text(metrics_format format, std::string &to) const;
    /// Adds a function that tells values beside the library's own: it is called with a
    /// metrics_sink, by the thread that takes a snapshot or a text, with a metrics socket also by
    /// one of the library's, and by one thread at a time. It must not call into this runtime's
    /// metrics. What it throws is dropped, and so is what it would have told after that. It is kept
    /// until the provider ends. Errors: as rota_metrics_provider_add.
    template <class Function>
    result<metrics_provider> add_metrics_provider(Function &&function) const;
    /// The last decisions, the oldest first; none unless runtime_options::trace is set. Defined in
    /// metrics.hpp, as the three above.
    result<std::vector<decision>> decisions() const;
    /// The same as text, one "<component> <action> saved=<n>ns <detail>" a line.
    result<std::string> decisions_text() const {
        return detail::listed(char{0},
                              [this](char *room, auto... place) {
                                  return ::rota_runtime_decisions_text(handle_, room, place...);
                              })
            .transform([](std::vector<char> all) { return std::string(all.begin(), all.end()); });
    }

    /// How the queue of its spans and their exporters are doing; the numbers are read one by one
    /// while work goes on. Errors: wrong_state if it makes no spans; as rota_spans_get_stats.
    result<rota::span_stats> span_stats() const noexcept {
        rota::span_stats told = ROTA_SPAN_STATS_INIT;
        detail::failure why;
        const rota_status code = ::rota_spans_get_stats(handle_, &told, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return told;
    }
    /// Returns when the spans of all completions that were taken before are exported, or given up.
    /// Errors: timeout; wrong_state if it makes no spans; as rota_spans_flush.
    result<void> flush_spans(timeout time = forever) const noexcept {
        detail::failure why;
        return why.outcome(::rota_spans_flush(handle_, time.ns(), why.slot()));
    }

    /// Ends the kernel; open jobs complete as CANCELLED and can still be polled.
    result<void> stop() const {
        detail::failure why;
        return why.outcome(::rota_runtime_stop(handle_, why.slot()));
    }

    /// Stops it and frees everything now, also what its tenants and buffers have: their calls give
    /// invalid_handle from here on. A second close does nothing.
    result<void> close() {
        detail::failure why;
        return why.outcome(::rota_runtime_destroy(
            owner_ ? owner_->handle.exchange(nullptr) : nullptr, why.slot()));
    }

    /// There is one: this wasn't moved from.
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    /// The C handle, which stays this runtime's; NULL if there is none.
    rota_runtime *native() const noexcept { return handle_; }

  private:
    std::shared_ptr<detail::runtime_owner> owner_;
    rota_runtime *handle_ = nullptr;
};

/// The Vulkan devices, also those that Rota can't use.
inline result<std::vector<device_info>> devices() {
    return detail::listed(device_info ROTA_DEVICE_INFO_INIT, [](device_info *room, auto... place) {
        return ::rota_devices_list(room, place...);
    });
}

} // namespace ROTA_HPP_DIALECT
} // namespace rota

#endif
