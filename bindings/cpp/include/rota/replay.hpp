// rota::replay: the jobs of a log, run again and compared.
#ifndef ROTA_REPLAY_HPP
#define ROTA_REPLAY_HPP

#include <exception>
#include <functional>
#include <rota/job.hpp>
#include <rota/runtime.hpp>

namespace rota {
inline namespace ROTA_HPP_DIALECT {

/// Hears how far a replay has come: `done` of `all` steps, now and then and at the end.
using progress_function = std::function<void(std::uint64_t done, std::uint64_t all)>;

/// What is to be run again, and how; a field that is 0 or empty means its default, but for the
/// path. Texts are only read.
struct replay_options {
    /// The log.
    std::string_view path = {};
    /// Which run, from 0 on, of those that the log has the beginning or a checkpoint of.
    std::uint64_t run = last_run;
    /// The runtime to run it on. What the log says of rings and memory goes before what stands
    /// here, and nothing is recorded.
    runtime_options runtime = {};
    /// A folder with the data that the log doesn't have, in files of any name.
    std::string_view data_dir = {};
    /// Opcodes of handlers that may come out differently each time.
    std::vector<std::uint32_t> not_deterministic = {};
    /// How many jobs replay::before has at most.
    std::uint32_t context = 0;
    /// Jobs that overlapped when they were recorded may overlap again. Else they run one after the
    /// other.
    bool as_submitted = false;
    /// Called by the thread that has called replay::run. What it throws comes out there when the
    /// jobs have run, and it is not called again.
    progress_function progress = {};
};

/// What a replay has found: the fields of rota_replay_report, and what they mean. Texts are
/// zero-terminated UTF-8.
struct replay_report : rota_replay_report {
    replay_report() noexcept : rota_replay_report ROTA_REPLAY_REPORT_INIT {}

    /// How the log came out.
    replay_outcome how() const noexcept { return static_cast<replay_outcome>(outcome); }
    /// Whether this differs in the first job that came out differently; false if there is none.
    bool differs_in(difference what) const noexcept {
        return (differs & static_cast<std::uint32_t>(what)) != 0;
    }
    /// What came of that job then. user_data is 0 in both.
    completion recorded_as() const noexcept { return {recorded}; }
    /// What came of it now.
    completion replayed_as() const noexcept { return {replayed}; }
};

static_assert(sizeof(replay_report) == sizeof(rota_replay_report));

namespace detail {

// Passes progress on, and keeps what is thrown from passing through the library.
class progress_call {
  public:
    explicit progress_call(const progress_function &function) noexcept : function_(function) {}

    static void forward(void *user, std::uint64_t done, std::uint64_t all) {
        auto &self = *static_cast<progress_call *>(user);
#if ROTA_HPP_EXCEPTIONS
        if (self.thrown_ != nullptr)
            return;
        try {
            self.function_(done, all);
        } catch (...) {
            self.thrown_ = std::current_exception();
        }
#else
        self.function_(done, all);
#endif
    }
    void rethrow() const {
#if ROTA_HPP_EXCEPTIONS
        if (thrown_ != nullptr)
            std::rethrow_exception(thrown_);
#endif
    }

  private:
    const progress_function &function_;
#if ROTA_HPP_EXCEPTIONS
    std::exception_ptr thrown_;
#endif
};

} // namespace detail

/// What came of running a log again. It belongs to no runtime. Every call may be made from any
/// thread; moving and assigning may not be done beside them.
class replay {
  public:
    /// No replay: calls give null_pointer.
    replay() noexcept = default;

    /// Runs the jobs of a log again, in the order in which they began, in a runtime of its own, and
    /// compares what comes of them. It takes as long as the jobs do. That something came out
    /// differently is no error: report tells it.
    /// Errors: as rota_replay_run; unsupported when header and library don't fit together.
    static result<replay> run(const replay_options &options) {
        auto fits = detail::same_version();
        if (!fits)
            return std::move(fits).error();
        detail::pointed_to to;
        const rota_runtime_options runtime = detail::raw_of(options.runtime, to);
        rota_replay_options raw = ROTA_REPLAY_OPTIONS_INIT;
        raw.path = options.path.data();
        raw.path_len = options.path.size();
        raw.run = options.run;
        raw.runtime = &runtime;
        raw.data_dir = options.data_dir.data();
        raw.data_dir_len = options.data_dir.size();
        raw.not_deterministic = options.not_deterministic.data();
        raw.not_deterministic_count = options.not_deterministic.size();
        raw.context = options.context;
        raw.flags = options.as_submitted ? ROTA_REPLAY_AS_SUBMITTED : 0;
        detail::progress_call progress(options.progress);
        if (options.progress) {
            raw.progress = detail::progress_call::forward;
            raw.user = &progress;
        }

        replay made;
        detail::failure why;
        const rota_status code = ::rota_replay_run(&raw, &made.handle_, why.slot());
        if (code != ROTA_STATUS_OK) {
            error failed = why.with(code);
            progress.rethrow();
            return failed;
        }
        progress.rethrow();
        return made;
    }

    replay(replay &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    replay &operator=(replay &&other) noexcept {
        replay taken(std::move(other));
        std::swap(handle_, taken.handle_);
        return *this;
    }
    ~replay() {
        if (handle_ != nullptr)
            static_cast<void>(::rota_replay_destroy(handle_, nullptr));
    }

    /// What it has found.
    result<replay_report> report() const noexcept {
        replay_report told;
        detail::failure why;
        const rota_status code = ::rota_replay_get_report(handle_, &told, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return told;
    }

    /// The jobs before the first one that came out differently, of those that may have to do with
    /// it, in the order in which they ran: the same tenant's, and those that name one of its
    /// buffers. At most replay_options::context.
    result<std::vector<replay_job>> before() const {
        return detail::listed(replay_job(), [this](replay_job *room, auto... place) {
            return ::rota_replay_get_before(handle_, room, place...);
        });
    }

    /// How many jobs came out differently, by opcode, in rising order.
    result<std::vector<replay_count>> counts() const {
        return detail::listed(replay_count(), [this](replay_count *room, auto... place) {
            return ::rota_replay_get_counts(handle_, room, place...);
        });
    }

    /// There is one: this wasn't moved from.
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    /// The C handle, which stays this replay's; NULL if there is none.
    rota_replay *native() const noexcept { return handle_; }

  private:
    rota_replay *handle_ = nullptr;
};

} // namespace ROTA_HPP_DIALECT
} // namespace rota

#endif
