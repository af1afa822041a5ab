// rota::poller: takes the completions of one tenant and gives each to who asked for it: a coroutine
// that awaits it, a future, or a function.
//
// A poller has no thread. Coroutines go on and functions are called inside run_once() and run(), on
// the thread that calls them, and never inside a submit. Jobs that don't fit the ring wait in the
// poller, in their order, and follow as completions make room; so do those that a quota of slots
// refuses while others are under way, whose completions give slots back. Jobs that coroutines and
// functions submit while run_once hands out completions go to the ring together, in one call.
#ifndef ROTA_POLLER_HPP
#define ROTA_POLLER_HPP

#include <algorithm>
#include <array>
#include <future>
#include <mutex>
#include <optional>
#include <rota/tenant.hpp>
#include <vector>

#if ROTA_HPP_COROUTINES
#include <coroutine>
#endif

namespace rota {
inline namespace ROTA_HPP_DIALECT {

class poller;

namespace detail {

// Somebody who waits for a job. It lives where its kind wants it to: in a coroutine's frame, or on
// the heap. Finished once, by the thread that runs the poller.
class operation {
  public:
    operation(const rota_job &what, const trace_context &where) noexcept
        : job(what), context(where), user_data(what.user_data) {}
    operation(const operation &) = delete;
    operation &operator=(const operation &) = delete;

    /// May throw what the coroutine or function throws; the operation may be gone when it returns.
    virtual void finish(result<completion> &&answer) = 0;

    rota_job job;
    trace_context context;
    std::uint64_t user_data;
    /// Its place in the poller's table; 0: it waits for nothing.
    std::uint64_t number = 0;
    operation *next = nullptr;

  protected:
    ~operation() = default;
};

// Operations in their order, linked through themselves.
class operation_queue {
  public:
    bool empty() const noexcept { return first_ == nullptr; }
    operation *first() const noexcept { return first_; }
    void push(operation &last) noexcept {
        last.next = nullptr;
        (first_ == nullptr ? first_ : last_->next) = &last;
        last_ = &last;
    }
    void pop() noexcept { first_ = first_->next; }
    bool remove(const operation &one) noexcept {
        operation *before = nullptr;
        for (operation *at = first_; at != nullptr; before = at, at = at->next) {
            if (at != &one)
                continue;
            (before == nullptr ? first_ : before->next) = at->next;
            if (last_ == at)
                last_ = before;
            return true;
        }
        return false;
    }

  private:
    operation *first_ = nullptr;
    operation *last_ = nullptr;
};

// Operations by the number that goes with the job as its user_data. Numbers come again
// after 2^32 jobs only: a completion that nobody waits for any more, or that came of another
// submit, finds nobody.
class operation_table {
  public:
    void add(operation &one) {
        if (free_.empty()) {
            entries_.push_back({nullptr, 0});
            free_.reserve(entries_.size()); // so that remove needs no memory
            free_.push_back(static_cast<std::uint32_t>(entries_.size() - 1));
        }
        const std::uint32_t index = free_.back();
        free_.pop_back();
        entry &place = entries_[index];
        place.one = &one;
        place.turn = place.turn == ~std::uint32_t{0} ? 1 : place.turn + 1;
        one.number = std::uint64_t{place.turn} << 32 | index;
        one.job.user_data = one.number;
    }
    operation *remove(std::uint64_t number) noexcept {
        const auto index = static_cast<std::uint32_t>(number);
        if (index >= entries_.size() || entries_[index].turn != number >> 32)
            return nullptr;
        operation *const one = std::exchange(entries_[index].one, nullptr);
        if (one != nullptr) {
            one->number = 0;
            free_.push_back(index);
        }
        return one;
    }
    /// Takes one out, whichever; NULL if there is none.
    operation *remove_any() noexcept {
        for (const entry &place : entries_)
            if (place.one != nullptr)
                return remove(place.one->number);
        return nullptr;
    }
    std::size_t size() const noexcept { return entries_.size() - free_.size(); }

  private:
    struct entry {
        operation *one;
        std::uint32_t turn;
    };
    std::vector<entry> entries_;
    std::vector<std::uint32_t> free_;
};

// The poller that is handing out completions on this thread.
inline thread_local const void *handing_out = nullptr;

} // namespace detail

/// Takes the completions of one tenant. All jobs of the tenant go through it while it lives: the
/// completions of others are dropped. It keeps the tenant alive, and is neither copied nor moved.
///
/// Threading: every call may be made from any thread, several at once; destroying it only when no
/// other is in it. A coroutine that awaits may only be destroyed where it can't be resumed
/// meanwhile: on the thread that calls run_once, or when nobody does.
class poller {
  public:
    explicit poller(const tenant &client) noexcept
        : owner_(client.owner_), tenant_(client.handle_) {}
    poller(const poller &) = delete;
    poller &operator=(const poller &) = delete;
    /// Who still waits gets stopped: coroutines are resumed with it, functions are called with it.
    ~poller() { give_up(status::stopped, "the poller was destroyed before the job had completed"); }

    /// Calls `function(result<completion>)` once, from run_once. Errors: as rota_submit, and the
    /// function isn't called; a job that has to wait for room gives its error to the function.
    template <class F> result<void> submit(const rota_job &job, F &&function) {
        return submit(job, trace_context(), std::forward<F>(function));
    }
    /// The same for a job that belongs to a trace.
    template <class F>
    result<void> submit(const rota_job &job, const trace_context &context, F &&function) {
        auto made =
            std::make_unique<calling<std::decay_t<F>>>(job, context, std::forward<F>(function));
        auto started = start(*made);
        if (started)
            made.release(); // it deletes itself when it is finished
        return started;
    }

    /// The answer as a future. Somebody has to call run_once before it is ready. With a context the
    /// job belongs to a trace.
    std::future<result<completion>> future(const rota_job &job, const trace_context &context = {}) {
        auto made = std::make_unique<promising>(job, context);
        auto answer = made->promise.get_future();
        auto started = start(*made);
        if (started)
            made.release();
        else
            made->promise.set_value(std::move(started).error());
        return answer;
    }

#if ROTA_HPP_COROUTINES
    class awaitable;
    /// co_await gives result<completion>; the coroutine goes on inside run_once, or at once if the
    /// job is refused. The job is submitted by co_await, not before. With a context it belongs to a
    /// trace.
    [[nodiscard]] awaitable async(const rota_job &job, const trace_context &context = {}) noexcept;
#endif

    /// Waits for completions, at most so long, hands out those that are there (up to 64), and
    /// submits what waited for room. Gives how many were handed out: 0 if nothing came in time.
    /// Errors: as rota_poll. If nothing can come any more, as when the tenant was closed or the
    /// device was lost, then who still waits gets the same status, and so does who asks later. What
    /// a coroutine or function throws comes out here, when the others have got theirs.
    result<std::size_t> run_once(timeout time = forever, waiting how = waiting::adaptive) {
        refill();
        std::array<rota_completion, batch> room;
        std::size_t count = 0;
        detail::failure why;
        const rota_status code =
            ::rota_poll(tenant_, room.data(), room.size(), static_cast<std::uint32_t>(how),
                        time.ns(), &count, why.slot());
        if (code != ROTA_STATUS_OK && code != ROTA_STATUS_TIMEOUT) {
            if (is_the_end(code))
                give_up(static_cast<status>(code), nullptr);
            return why.with(code);
        }
        {
            const std::lock_guard<std::mutex> guard(lock_);
            under_way_ -= std::min(under_way_, count); // of others there may be more
        }
        hand_out(span<const rota_completion>(room.data(), count));
        refill();
        return count;
    }

    /// run_once until nobody waits any more. Errors: as run_once.
    result<void> run(waiting how = waiting::adaptive) {
        while (open() > 0) {
            // Not forever: another thread may take the last completion.
            auto ran = run_once(std::chrono::milliseconds(50), how);
            if (!ran)
                return std::move(ran).error();
        }
        return {};
    }

    /// How many wait for an answer.
    std::size_t open() const {
        const std::lock_guard<std::mutex> guard(lock_);
        return table_.size();
    }

  private:
    static constexpr std::size_t batch = 64;

    class promising final : public detail::operation {
      public:
        using operation::operation;
        void finish(result<completion> &&answer) override {
            const std::unique_ptr<promising> self(this);
            promise.set_value(std::move(answer));
        }
        std::promise<result<completion>> promise;
    };

    template <class F> class calling final : public detail::operation {
      public:
        template <class G>
        calling(const rota_job &what, const trace_context &where, G &&function)
            : operation(what, where), function_(std::forward<G>(function)) {}
        void finish(result<completion> &&answer) override {
            const std::unique_ptr<calling> self(this);
            function_(std::move(answer));
        }

      private:
        F function_;
    };

    /// Submits, or lets it wait for room. After success the operation may be finished, and gone, at
    /// any time. Never finishes it itself.
    result<void> start(detail::operation &one) {
        const std::lock_guard<std::mutex> guard(lock_);
        if (ended_ != status::ok)
            return error(ended_);
        table_.add(one);
        if (!waiting_.empty() || detail::handing_out == this) {
            waiting_.push(one);
            return {};
        }
        std::size_t accepted = 0;
        detail::failure why;
        // Under the lock: a job that found the ring full is in the queue before run_once looks.
        const rota_status code = ::rota_submit_traced(tenant_, &one.job, &one.context, 1, nullptr,
                                                      &accepted, why.slot());
        under_way_ += accepted;
        if (code == ROTA_STATUS_OK)
            return {};
        auto refusal = why.with(code);
        if (has_to_wait(refusal)) {
            waiting_.push(one);
            return {};
        }
        table_.remove(one.number);
        return refusal;
    }

    /// Forgets who doesn't wait any more.
    void forget(detail::operation &one) noexcept {
        const std::lock_guard<std::mutex> guard(lock_);
        if (table_.remove(one.number) != nullptr)
            waiting_.remove(one);
    }

    void hand_out(span<const rota_completion> completions) {
        for (const rota_completion &raw : completions) {
            detail::operation *one = nullptr;
            {
                // One by one: who is resumed may destroy another coroutine that is still to come.
                const std::lock_guard<std::mutex> guard(lock_);
                one = table_.remove(raw.user_data);
            }
            if (one == nullptr)
                continue;
            completion done;
            static_cast<rota_completion &>(done) = raw;
            done.user_data = one->user_data;
            finish(*one, done);
        }
        rethrow();
    }

    /// Submits what waits, as far as there is room.
    void refill() {
        for (;;) {
            std::array<rota_job, batch> jobs;
            std::array<rota_trace_context, batch> contexts;
            detail::operation *refused = nullptr;
            error refusal(status::ok);
            {
                const std::lock_guard<std::mutex> guard(lock_);
                std::size_t count = 0;
                for (auto *at = waiting_.first(); at != nullptr && count < batch; at = at->next) {
                    jobs[count] = at->job;
                    contexts[count++] = at->context;
                }
                if (count == 0)
                    return;
                std::size_t accepted = 0;
                detail::failure why;
                const rota_status code = ::rota_submit_traced(
                    tenant_, jobs.data(), contexts.data(), count, nullptr, &accepted, why.slot());
                under_way_ += accepted;
                // Accepted ones may be finished by another thread from the unlock on, not before.
                for (std::size_t i = 0; i < accepted; i++)
                    waiting_.pop();
                if (code != ROTA_STATUS_OK) {
                    refusal = why.with(code);
                    if (has_to_wait(refusal))
                        return;
                    refused = waiting_.first();
                    waiting_.pop();
                    table_.remove(refused->number);
                    if (is_the_end(code))
                        ended_ = static_cast<status>(code);
                }
            }
            if (refused != nullptr) {
                finish(*refused, std::move(refusal));
                rethrow();
            }
        }
    }

    /// Nobody gets a completion any more, and nobody can ask for one.
    void give_up(status code, const char *text) noexcept {
        for (;;) {
            detail::operation *one = nullptr;
            {
                const std::lock_guard<std::mutex> guard(lock_);
                ended_ = code;
                one = table_.remove_any();
                if (one == nullptr)
                    return;
                waiting_.remove(*one);
            }
            finish(*one, error(code, text));
        }
    }

    /// The completions of jobs that are under way make room for the one that was refused.
    bool has_to_wait(const error &refusal) const noexcept {
        return refusal == status::would_block ||
               (refusal.resource() == resource::slots && under_way_ > 0);
    }

    /// No later call can do better.
    static constexpr bool is_the_end(rota_status code) noexcept {
        return code == ROTA_STATUS_INVALID_HANDLE || code == ROTA_STATUS_NULL_POINTER ||
               code == ROTA_STATUS_STOPPED || code == ROTA_STATUS_DEVICE_LOST ||
               code == ROTA_STATUS_PANIC;
    }

    void finish(detail::operation &one, result<completion> answer) noexcept {
        const void *const before = std::exchange(detail::handing_out, this);
#if ROTA_HPP_EXCEPTIONS
        try {
            one.finish(std::move(answer));
        } catch (...) {
            const std::lock_guard<std::mutex> guard(lock_);
            if (thrown_ == nullptr)
                thrown_ = std::current_exception();
        }
#else
        one.finish(std::move(answer));
#endif
        detail::handing_out = before;
    }

    void rethrow() {
#if ROTA_HPP_EXCEPTIONS
        std::exception_ptr thrown;
        {
            const std::lock_guard<std::mutex> guard(lock_);
            thrown = std::exchange(thrown_, nullptr);
        }
        if (thrown != nullptr)
            std::rethrow_exception(thrown);
#endif
    }

    std::shared_ptr<detail::tenant_owner> owner_;
    rota_tenant *tenant_;
    mutable std::mutex lock_;
    detail::operation_table table_;
    detail::operation_queue waiting_;
    std::size_t under_way_ = 0; // submitted, and the completion not taken
    status ended_ = status::ok; // else what everybody gets from now on
#if ROTA_HPP_EXCEPTIONS
    std::exception_ptr thrown_;
#endif
};

#if ROTA_HPP_COROUTINES

/// What async gives: for one co_await, in any kind of coroutine. Destroying a coroutine that awaits
/// is allowed; the job runs all the same.
class [[nodiscard]] poller::awaitable final : private detail::operation {
  public:
    awaitable(poller &from, const rota_job &what, const trace_context &where) noexcept
        : operation(what, where), poller_(from) {}
    ~awaitable() {
        if (number != 0)
            poller_.forget(*this);
    }

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> coroutine) {
        coroutine_ = coroutine;
        return suspend(poller_, *this);
    }
    result<completion> await_resume() noexcept { return std::move(*answer_); }

  private:
    // Not inlined: once the job is submitted another thread may resume and end the coroutine, and
    // nothing here may live in its frame then.
    [[gnu::noinline]] static bool suspend(poller &from, awaitable &self) {
        auto started = from.start(self);
        if (started)
            return true;
        self.answer_.emplace(std::move(started).error());
        return false;
    }

    void finish(result<completion> &&answer) override {
        answer_.emplace(std::move(answer));
        coroutine_.resume();
    }

    poller &poller_;
    std::coroutine_handle<> coroutine_;
    std::optional<result<completion>> answer_;
};

inline poller::awaitable poller::async(const rota_job &job, const trace_context &context) noexcept {
    return awaitable(*this, job, context);
}

#endif

} // namespace ROTA_HPP_DIALECT
} // namespace rota

#endif
