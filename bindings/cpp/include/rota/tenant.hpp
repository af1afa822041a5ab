// rota::tenant: an isolated client of a runtime, with the hot calls submit, poll and wait.
//
// submit, poll, wait, cancel and state forward to C in line: they allocate nothing, throw nothing
// and count no references.
#ifndef ROTA_TENANT_HPP
#define ROTA_TENANT_HPP

#include <rota/job.hpp>
#include <rota/outputs.hpp>
#include <rota/runtime.hpp>
#include <rota/span.hpp>

namespace rota {
inline namespace ROTA_HPP_DIALECT {

template <class T> class buffer;
struct latency_histogram;

namespace detail {

struct tenant_owner {
    std::shared_ptr<runtime_owner> runtime;
    std::atomic<rota_tenant *> handle{nullptr};

    explicit tenant_owner(std::shared_ptr<runtime_owner> parent) noexcept
        : runtime(std::move(parent)) {}
    tenant_owner(const tenant_owner &) = delete;
    tenant_owner &operator=(const tenant_owner &) = delete;
    ~tenant_owner() { static_cast<void>(::rota_tenant_destroy(handle.load(), nullptr)); }
};

} // namespace detail

/// What became of a submit of several jobs: the first `accepted` ones are accepted, whatever the
/// outcome is. would_block: the ring is full; take some completions and submit the rest.
struct [[nodiscard]] submission {
    std::size_t accepted = 0;
    result<void> outcome;

    /// All of them are accepted.
    explicit operator bool() const noexcept { return outcome.has_value(); }
};

/// An isolated client of a runtime: its own ring and buffers. It keeps its runtime open; its
/// buffers and pollers keep it alive. Every call may be made from any thread, several at once;
/// moving and assigning may not be done beside them.
class tenant {
  public:
    /// No tenant: calls give null_pointer.
    tenant() noexcept = default;
    tenant(tenant &&other) noexcept
        : owner_(std::move(other.owner_)), handle_(std::exchange(other.handle_, nullptr)) {}
    tenant &operator=(tenant &&other) noexcept {
        owner_ = std::move(other.owner_);
        handle_ = std::exchange(other.handle_, nullptr);
        return *this;
    }

    /// Submits one job; never blocks. Errors: would_block when the ring is full; as rota_submit.
    result<ticket> submit(const rota_job &job) const noexcept {
        ticket given = 0;
        std::size_t accepted = 0;
        detail::failure why;
        const rota_status code = ::rota_submit(handle_, &job, 1, &given, &accepted, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return given;
    }

    /// Submits jobs in their order; never blocks. `tickets` is empty if nobody asks, else it has
    /// room for as many as there are jobs, and the accepted ones' tickets are written.
    /// Errors: as rota_submit; invalid_argument for too little room.
    submission submit(span<const rota_job> jobs, span<ticket> tickets = {}) const noexcept {
        if (!tickets.empty() && tickets.size() < jobs.size())
            return too_few_tickets();
        std::size_t accepted = 0;
        detail::failure why;
        const rota_status code =
            ::rota_submit(handle_, jobs.data(), jobs.size(),
                          tickets.empty() ? nullptr : tickets.data(), &accepted, why.slot());
        if (code != ROTA_STATUS_OK)
            return {accepted, why.with(code)};
        return {accepted, {}};
    }

    /// Submits one job that belongs to a trace. One whose context is none begins a trace of its
    /// own, if it is sampled. Where the runtime makes no spans the context isn't looked at.
    /// Errors: as above.
    result<ticket> submit(const rota_job &job, const trace_context &context) const noexcept {
        ticket given = 0;
        std::size_t accepted = 0;
        detail::failure why;
        const rota_status code =
            ::rota_submit_traced(handle_, &job, &context, 1, &given, &accepted, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return given;
    }

    /// Submits jobs that belong to traces: `contexts` has one for each of them.
    /// Errors: as above; invalid_argument for another number of contexts.
    submission submit(span<const rota_job> jobs, span<const trace_context> contexts,
                      span<ticket> tickets = {}) const noexcept {
        if (contexts.size() != jobs.size())
            return {0, error(status::invalid_argument,
                             "`contexts` must have one for each job, or be left out")};
        if (!tickets.empty() && tickets.size() < jobs.size())
            return too_few_tickets();
        std::size_t accepted = 0;
        detail::failure why;
        const rota_status code =
            ::rota_submit_traced(handle_, jobs.data(), contexts.data(), jobs.size(),
                                 tickets.empty() ? nullptr : tickets.data(), &accepted, why.slot());
        if (code != ROTA_STATUS_OK)
            return {accepted, why.with(code)};
        return {accepted, {}};
    }

    /// Takes completions into `room` and gives the part that was filled: the oldest first as far as
    /// they have finished. Waits for the first one, never for more. Nothing within the time is an
    /// empty span, and no error.
    /// Errors: as rota_poll, but no timeout.
    result<span<completion>> poll(span<completion> room, timeout time = {},
                                  waiting how = waiting::adaptive) const noexcept {
        std::size_t count = 0;
        detail::failure why;
        const rota_status code =
            ::rota_poll(handle_, room.data(), room.size(), static_cast<std::uint32_t>(how),
                        time.ns(), &count, why.slot());
        if (code != ROTA_STATUS_OK && code != ROTA_STATUS_TIMEOUT)
            return why.with(code);
        return room.first(count);
    }

    /// Waits for one job and takes its completion. Errors: timeout; as rota_wait.
    result<completion> wait(ticket which, timeout time = forever,
                            waiting how = waiting::adaptive) const noexcept {
        completion done;
        detail::failure why;
        const rota_status code = ::rota_wait(handle_, which, static_cast<std::uint32_t>(how),
                                             time.ns(), &done, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return done;
    }

    /// submit and wait: the shortest way to an answer.
    result<completion> run(const rota_job &job, timeout time = forever,
                           waiting how = waiting::adaptive) const noexcept {
        auto sent = submit(job);
        if (!sent)
            return std::move(sent).error();
        return wait(*sent, time, how);
    }
    result<completion> run(const rota_job &job, const trace_context &context,
                           timeout time = forever, waiting how = waiting::adaptive) const noexcept {
        auto sent = submit(job, context);
        if (!sent)
            return std::move(sent).error();
        return wait(*sent, time, how);
    }

    /// Asks for a job not to run. It completes in any case. Errors: as rota_cancel.
    result<void> cancel(ticket which) const noexcept {
        detail::failure why;
        return why.outcome(::rota_cancel(handle_, which, why.slot()));
    }

    /// Where a job is. Errors: as rota_ticket_state.
    result<ticket_state> state(ticket which) const noexcept {
        std::uint32_t where = 0;
        detail::failure why;
        const rota_status code = ::rota_ticket_state(handle_, which, &where, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return static_cast<ticket_state>(where);
    }

    /// Changes how much it may have; one that is as it is made lifts all limits. If it is less than
    /// the tenant has of something, nothing changes. Errors: as rota_tenant_set_quota.
    result<void> set_quota(const quota &most) const noexcept {
        const rota_quota raw = detail::raw_of(most);
        detail::failure why;
        return why.outcome(::rota_tenant_set_quota(handle_, &raw, why.slot()));
    }
    /// Changes how much of the device it gets where others want it too: 1 to 10,000. From its next
    /// turn on; its jobs go on. Errors: as rota_tenant_set_weight.
    result<void> set_weight(std::uint32_t weight) const noexcept {
        detail::failure why;
        return why.outcome(::rota_tenant_set_weight(handle_, weight, why.slot()));
    }
    /// Changes how many thousandths of the device's time it may use, also where nobody else wants
    /// it; 0 for all. Errors: as rota_tenant_set_share.
    result<void> set_share(std::uint32_t permille) const noexcept {
        detail::failure why;
        return why.outcome(::rota_tenant_set_share(handle_, permille, why.slot()));
    }
    /// Holds so much of a resource, but not of fuel: of the tenant's quota and of the runtime's.
    /// What is held nobody else gets. Errors: quota_exceeded; as rota_tenant_reserve.
    result<reservation> reserve(resource what, std::uint64_t amount) const noexcept {
        reservation held;
        detail::failure why;
        const rota_status code = ::rota_tenant_reserve(handle_, static_cast<std::uint32_t>(what),
                                                       amount, &held.handle_, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return held;
    }

    /// Names it among all tenants of its runtime, now and later; never 0.
    result<std::uint64_t> id() const noexcept {
        std::uint64_t given = 0;
        detail::failure why;
        const rota_status code = ::rota_tenant_id(handle_, &given, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return given;
    }
    /// What it has done and has; the counts are read one by one while work goes on.
    result<tenant_counters> counters() const noexcept {
        tenant_counters told;
        detail::failure why;
        const rota_status code = ::rota_tenant_get_counters(handle_, &told, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return told;
    }

    /// How long its jobs took, from submit until their completions were taken. Defined in
    /// metrics.hpp.
    result<latency_histogram> latency() const noexcept;

    /// What it is at.
    result<tenant_state> state() const noexcept {
        std::uint32_t at = 0;
        detail::failure why;
        const rota_status code = ::rota_tenant_state(handle_, &at, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return static_cast<tenant_state>(at);
    }
    /// Waits until every job that was submitted before has completed, whether its completion was
    /// taken or not. Other threads can go on submitting. Errors: timeout; as rota_tenant_quiesce.
    result<void> quiesce(timeout time = forever) const noexcept {
        detail::failure why;
        return why.outcome(::rota_tenant_quiesce(handle_, time.ns(), why.slot()));
    }
    /// Closes it to new jobs, for good, and waits until those accepted before have completed. After
    /// a timeout it stays closed, and another call goes on waiting. Completions can be taken, jobs
    /// cancelled, and buffers used as before.
    /// Errors: timeout; wrong_state after a revoke; as rota_tenant_drain.
    result<void> drain(timeout time = forever) const noexcept {
        detail::failure why;
        return why.outcome(::rota_tenant_drain(handle_, time.ns(), why.slot()));
    }
    /// Takes the device from it: it accepts no more jobs, those that have not begun complete as
    /// revoked, and those that run end soon. When this returns, no job of it begins any more; to
    /// wait for those that still end, there is quiesce. Completions can be taken, and buffers
    /// written and read. After a timeout another call goes on waiting.
    /// Errors: timeout; wrong_state if it was revoked before; as rota_tenant_revoke.
    result<void> revoke(timeout time = forever) const noexcept {
        detail::failure why;
        return why.outcome(::rota_tenant_revoke(handle_, time.ns(), why.slot()));
    }

    /// A descriptor for poll or epoll, readable while there are completions to take. It stays the
    /// tenant's: don't read from it or close it.
    result<int> event_fd() const noexcept {
        int fd = -1;
        detail::failure why;
        const rota_status code = ::rota_tenant_event_fd(handle_, &fd, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return fd;
    }

    /// A buffer of so many T, all of whose bytes are 0.
    template <class T>
    result<buffer<T>> create_buffer(std::size_t count, access allowed = access::read_write) const;
    /// A buffer with these elements.
    template <class T>
    result<buffer<T>> create_buffer_of(span<const T> elements,
                                       access allowed = access::read_write) const;
    template <class Container>
    auto create_buffer_of(const Container &elements, access allowed = access::read_write) const {
        using element = std::remove_cv_t<std::remove_pointer_t<decltype(std::data(elements))>>;
        return create_buffer_of<element>(span<const element>(elements), allowed);
    }
    /// A buffer of memory that the caller has, without a copy, where the device can: it begins and
    /// ends at multiples of the page size. The memory has to stay in place until the buffer's jobs
    /// have completed after it was destroyed, or the tenant is gone.
    template <class T>
    result<buffer<T>> import_buffer(span<T> host, access allowed = access::read_write) const;
    /// Takes over a buffer of this tenant that a C call made. Errors: as rota_buffer_size;
    /// invalid_argument if it isn't a whole number of T.
    template <class T> result<buffer<T>> adopt_buffer(rota_buffer id) const;

    /// Loads handlers of this tenant's own. It takes as long as the driver's compiler, seconds on
    /// software drivers, while jobs go on. Jobs can have their opcodes once it has returned.
    /// Errors: as rota_module_load; the message of invalid_module is what a compiler would print.
    result<module> load(const module_options &options) const;

    /// Reads ranges into the outputs, entry i holding ranges[i]; see rota_buffers_read_into. What
    /// the outputs gave before is invalid from here on, also if it fails.
    result<void> read_into(span<const read_range> ranges, outputs &to) const noexcept {
        detail::failure why;
        return why.outcome(::rota_buffers_read_into(handle_, ranges.data(), ranges.size(),
                                                    to.native(), why.slot()));
    }

    /// Frees it now, with its buffers and mappings: no job of it is claimed after this has
    /// returned, and its calls give invalid_handle. A second close does nothing.
    result<void> close() {
        detail::failure why;
        return why.outcome(
            ::rota_tenant_destroy(owner_ ? owner_->handle.exchange(nullptr) : nullptr, why.slot()));
    }

    /// There is one: this wasn't moved from.
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    /// The C handle, which stays this tenant's; NULL if there is none.
    rota_tenant *native() const noexcept { return handle_; }

  private:
    friend class runtime;
    friend class poller;
    template <class T> friend class buffer;

    static submission too_few_tickets() noexcept {
        return {0, error(status::invalid_argument,
                         "`tickets` has less room than there are jobs: leave it empty, or give "
                         "one for each job")};
    }

    std::shared_ptr<detail::tenant_owner> owner_;
    // Beside the owner's, so that the hot calls need no look at it.
    rota_tenant *handle_ = nullptr;
};

inline result<tenant> runtime::create_tenant(const tenant_options &options) const {
    rota_tenant_options raw = ROTA_TENANT_OPTIONS_INIT;
    raw.label = options.label.data();
    raw.label_len = options.label.size();
    raw.slots = options.slots;
    raw.opcodes = options.opcodes;
    raw.fuel = options.fuel;
    raw.weight = options.weight;
    raw.latency_class = static_cast<std::uint32_t>(options.latency_class);
    raw.share_permille = options.share_permille;
    raw.group = options.group;
    const rota_quota most = detail::raw_of(options.quota);
    raw.quota = &most;

    tenant created;
    created.owner_ = std::make_shared<detail::tenant_owner>(owner_);
    detail::failure why;
    const rota_status code = ::rota_tenant_create(handle_, &raw, &created.handle_, why.slot());
    if (code != ROTA_STATUS_OK)
        return why.with(code);
    created.owner_->handle = created.handle_;
    return created;
}

inline result<void> runtime::recorder_note(const tenant &of, ticket job, evidence what,
                                           std::int32_t code,
                                           std::string_view bytes) const noexcept {
    if (!of) // to C that would be a note about the runtime
        return error(status::null_pointer, "the tenant is none");
    detail::failure why;
    return why.outcome(::rota_recorder_note(handle_, of.native(), job,
                                            static_cast<std::uint32_t>(what), code, bytes.data(),
                                            bytes.size(), why.slot()));
}

inline result<tenant> runtime::find_tenant(std::uint64_t id) const {
    tenant found;
    // One that owns no handle, so that it destroys none.
    found.owner_ = std::make_shared<detail::tenant_owner>(owner_);
    detail::failure why;
    const rota_status code = ::rota_runtime_find_tenant(handle_, id, &found.handle_, why.slot());
    if (code != ROTA_STATUS_OK)
        return why.with(code);
    return found;
}

} // namespace ROTA_HPP_DIALECT
} // namespace rota

#endif
