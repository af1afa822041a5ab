// rota::snapshot: what happens in a runtime, per tenant and handler; providers of more values; how
// long a tenant's jobs took; and the decisions that a runtime kept.
//
//     rota::snapshot now;
//     runtime.metrics(now).value();
//     for (const rota::tenant_metrics &tenant : now.tenants())
//         ... tenant.label_text(), tenant.counts.submitted ...
#ifndef ROTA_METRICS_HPP
#define ROTA_METRICS_HPP

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <rota/tenant.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rota {
inline namespace ROTA_HPP_DIALECT {

/// What tenants have done and have: the fields of rota_counts.
struct counts : counted_by<rota_counts> {
    counts(const rota_counts &raw) noexcept : counted_by(raw) {}
};

/// The series of a label: the fields of rota_tenant_metrics, and what they mean.
struct tenant_metrics : rota_tenant_metrics {
    tenant_metrics() noexcept : rota_tenant_metrics ROTA_TENANT_METRICS_INIT {}

    /// The label; "__overflow__" for all tenants that have no series of their own.
    std::string_view label_text() const noexcept { return label; }
    /// The counts, to be read by what they count.
    rota::counts counted() const noexcept { return counts; }
    /// What happened since an earlier snapshot of the same runtime; what is as of now stays. A
    /// series that has counted less than then was begun anew, and counts from its beginning.
    result<tenant_metrics> since(const tenant_metrics &earlier) const noexcept {
        tenant_metrics passed;
        detail::failure why;
        const rota_status code =
            ::rota_tenant_metrics_difference(this, &earlier, &passed, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return passed;
    }
};

/// A handler, or more of one name in modules of one label: the fields of rota_handler_metrics.
struct handler_metrics : rota_handler_metrics {
    handler_metrics() noexcept : rota_handler_metrics ROTA_HANDLER_METRICS_INIT {}

    /// The module's label; "rota" for the standard handlers.
    std::string_view module_text() const noexcept { return module; }
    /// The function's name.
    std::string_view handler_text() const noexcept { return handler; }
};

/// A name and a value that a provider told: the fields of rota_metrics_value.
struct metrics_value : rota_metrics_value {
    metrics_value() noexcept : rota_metrics_value ROTA_METRICS_VALUE_INIT {}

    std::string_view name_text() const noexcept { return name; }
};

/// What is counted for a runtime as a whole: the fields of rota_metrics, and what they mean.
struct runtime_metrics : rota_metrics {
    runtime_metrics() noexcept : rota_metrics ROTA_METRICS_INIT {}

    /// The sums over all tenants, to be read by what they count.
    rota::counts counted() const noexcept { return all; }
    /// Leases that ended so.
    std::uint64_t leases_ended_by(lease_end how) const noexcept {
        return detail::at(leases, static_cast<std::uint32_t>(how));
    }
    /// How often that was decided.
    std::uint64_t decisions_of(action what) const noexcept {
        return detail::at(decisions, static_cast<std::uint32_t>(what));
    }
    /// What happened since an earlier snapshot of the same runtime; what is as of now stays.
    result<runtime_metrics> since(const runtime_metrics &earlier) const noexcept {
        runtime_metrics passed;
        detail::failure why;
        const rota_status code = ::rota_metrics_difference(this, &earlier, &passed, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return passed;
    }
};

static_assert(sizeof(counts) == sizeof(rota_counts));
static_assert(sizeof(tenant_metrics) == sizeof(rota_tenant_metrics));
static_assert(sizeof(handler_metrics) == sizeof(rota_handler_metrics));
static_assert(sizeof(metrics_value) == sizeof(rota_metrics_value));
static_assert(sizeof(runtime_metrics) == sizeof(rota_metrics));

namespace detail {

inline std::string_view key_of(const tenant_metrics &series) noexcept {
    return series.label_text();
}
inline std::pair<std::string_view, std::string_view> key_of(const handler_metrics &one) noexcept {
    return {one.module_text(), one.handler_text()};
}

template <class T, class Key> bool is_before(const T &one, const Key &key) noexcept {
    return key_of(one) < key;
}

// Where a key is in what is sorted by it, but for the last one, which may be the overflow's.
template <class T, class Key> const T *found_in(span<const T> all, const Key &key) noexcept {
    if (all.empty())
        return nullptr;
    const T *const last = &all.back();
    const T *const at = std::lower_bound(all.data(), last, key, is_before<T, Key>);
    if (key_of(*at) == key)
        return at;
    return key_of(*last) == key ? last : nullptr;
}

inline std::uint64_t minus(std::uint64_t later, std::uint64_t earlier) noexcept {
    return later > earlier ? later - earlier : 0;
}

} // namespace detail

/// One reading of all metrics, in which each number belongs to the others: what has completed was
/// submitted, what was taken has completed, and the runtime's sums are those of the series.
/// runtime::metrics fills it and uses its memory again. It belongs to no runtime; copies are
/// independent. One thread at a time may have it filled; what it gives points into it.
class snapshot {
  public:
    /// An empty one.
    snapshot() noexcept = default;

    /// The runtime as a whole.
    const runtime_metrics &runtime() const noexcept { return runtime_; }
    /// The series of tenants, sorted by label, the overflow's last.
    span<const tenant_metrics> tenants() const noexcept { return {tenants_.data(), tenant_count_}; }
    /// The handlers that were called, sorted by module and name.
    span<const handler_metrics> handlers() const noexcept {
        return {handlers_.data(), handler_count_};
    }
    /// What providers told, the library's own first.
    span<const metrics_value> values() const noexcept { return {values_.data(), value_count_}; }

    /// The series of a label; nullptr if there is none.
    const tenant_metrics *tenant(std::string_view label) const noexcept {
        return detail::found_in(tenants(), label);
    }
    /// A handler of a module with this label; nullptr if it was not called.
    const handler_metrics *handler(std::string_view module, std::string_view name) const noexcept {
        return detail::found_in(handlers(), std::make_pair(module, name));
    }
    /// The value that was told with this name; nothing if there is none.
    std::optional<double> value(std::string_view name) const noexcept {
        for (const metrics_value &one : values())
            if (one.name_text() == name)
                return one.value;
        return std::nullopt;
    }

    /// What happened since an earlier snapshot of the same runtime. What is as of now, values among
    /// it, stays as it is; a series or handler that is new counts from its beginning.
    result<snapshot> since(const snapshot &earlier) const {
        snapshot passed = *this;
        auto all = runtime_.since(earlier.runtime_);
        if (!all)
            return std::move(all).error();
        passed.runtime_ = *all;
        for (std::size_t i = 0; i < tenant_count_; i++) {
            const tenant_metrics *const then = earlier.tenant(tenants_[i].label_text());
            if (then == nullptr)
                continue;
            auto series = tenants_[i].since(*then);
            if (!series)
                return std::move(series).error();
            passed.tenants_[i] = *series;
        }
        for (std::size_t i = 0; i < handler_count_; i++) {
            handler_metrics &now = passed.handlers_[i];
            const auto *const then = earlier.handler(now.module_text(), now.handler_text());
            if (then == nullptr)
                continue;
            now.calls = detail::minus(now.calls, then->calls);
            now.faults = detail::minus(now.faults, then->faults);
            now.fuel = detail::minus(now.fuel, then->fuel);
        }
        return passed;
    }

  private:
    friend class runtime;

    void clear() noexcept {
        runtime_ = {};
        tenant_count_ = handler_count_ = value_count_ = 0;
    }

    runtime_metrics runtime_;
    // Room, of which so many are filled.
    std::vector<tenant_metrics> tenants_;
    std::vector<handler_metrics> handlers_;
    std::vector<metrics_value> values_;
    std::size_t tenant_count_ = 0;
    std::size_t handler_count_ = 0;
    std::size_t value_count_ = 0;
};

/// How long jobs of a tenant took, from submit until their completions were taken. Of jobs that are
/// submitted one by one each eighth is counted, of others all.
struct latency_histogram {
    /// Jobs by how long they took, in buckets that are no wider than an eighth of where they begin.
    std::array<std::uint64_t, histogram_buckets> buckets{};

    /// The longest time in nanoseconds that is counted in a bucket; the last one has no end, and
    /// gives the highest number.
    static std::uint64_t bound(std::size_t bucket) noexcept { return ::rota_latency_bound(bucket); }
    /// Jobs in all buckets.
    std::uint64_t count() const noexcept {
        std::uint64_t sum = 0;
        for (const std::uint64_t jobs : buckets)
            sum += jobs;
        return sum;
    }
    /// How long the quicker part of the jobs took at most, in nanoseconds and to within an eighth:
    /// 0.5 is the median, 0.99 what one of a hundred exceeds. Nothing where there were none.
    std::optional<std::uint64_t> quantile(double part) const noexcept {
        const std::uint64_t all = count();
        std::uint64_t wanted = part >= 1 ? all : 1;
        if (part > 0 && part < 1)
            wanted = static_cast<std::uint64_t>(std::ceil(static_cast<double>(all) * part));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < buckets.size(); i++) {
            seen += buckets[i];
            if (seen != 0 && seen >= wanted)
                return bound(i);
        }
        return std::nullopt;
    }
    /// The jobs since an earlier one of the same tenant.
    latency_histogram since(const latency_histogram &earlier) const noexcept {
        latency_histogram passed;
        for (std::size_t i = 0; i < buckets.size(); i++)
            passed.buckets[i] = detail::minus(buckets[i], earlier.buckets[i]);
        return passed;
    }
};

inline result<latency_histogram> tenant::latency() const noexcept {
    latency_histogram told;
    std::size_t needed = 0;
    detail::failure why;
    const rota_status code = ::rota_tenant_get_latency(handle_, told.buckets.data(),
                                                       told.buckets.size(), &needed, why.slot());
    if (code != ROTA_STATUS_OK)
        return why.with(code);
    return told;
}

/// Where a provider tells its values. It is gone when the provider's function returns.
class metrics_sink {
  public:
    explicit metrics_sink(rota_metrics_sink *raw) noexcept : raw_(raw) {}
    metrics_sink(const metrics_sink &) = delete;
    metrics_sink &operator=(const metrics_sink &) = delete;

    /// Tells a value, as a gauge of this name: letters, digits and underscores, not beginning with
    /// a digit or as the library's own do. Gives false if the name is refused because it isn't so,
    /// or because another value of this snapshot has it; refused_names counts these.
    bool tell(std::string_view name, double value) noexcept {
        return ::rota_metrics_tell(raw_, name.data(), name.size(), value, nullptr) ==
               ROTA_STATUS_OK;
    }

  private:
    rota_metrics_sink *raw_;
};

namespace detail {

template <class Function> class provider_of final : public provider_function {
  public:
    template <class From>
    explicit provider_of(From &&function) : function_(std::forward<From>(function)) {}

  private:
    void ask(rota_metrics_sink *sink) override {
        metrics_sink to(sink);
        static_cast<void>(std::invoke(function_, to));
    }

    Function function_;
};

} // namespace detail

/// A function that tells values of the program's own: runtime::add_metrics_provider. It is removed
/// when this is gone. It keeps its runtime open. One thread at a time may use it.
class metrics_provider {
  public:
    /// No provider.
    metrics_provider() noexcept = default;
    metrics_provider(metrics_provider &&other) noexcept
        : owner_(std::move(other.owner_)), call_(std::move(other.call_)), handle_(other.handle_),
          id_(other.id_) {}
    metrics_provider &operator=(metrics_provider &&other) noexcept {
        metrics_provider taken(std::move(other));
        std::swap(owner_, taken.owner_);
        std::swap(call_, taken.call_);
        std::swap(handle_, taken.handle_);
        std::swap(id_, taken.id_);
        return *this;
    }
    ~metrics_provider() { static_cast<void>(remove()); }

    /// Removes it now. When this has returned, the function is gone, whatever is returned. A second
    /// remove does nothing. Neither this nor its end may come from inside a provider's function.
    /// Errors: invalid_handle when the runtime was closed.
    result<void> remove() noexcept {
        if (call_ == nullptr)
            return {};
        const auto owner = std::move(owner_);
        auto call = std::move(call_);
        detail::failure why;
        const rota_status code = ::rota_metrics_provider_remove(handle_, id_, why.slot());
        if (code == ROTA_STATUS_OK)
            return {};
        error failed = why.with(code);
        call->end();
        const std::lock_guard<std::mutex> guard(owner->lock);
        call->next = std::move(owner->left);
        owner->left = std::move(call);
        return failed;
    }

    /// There is one: this wasn't moved from, nor removed.
    explicit operator bool() const noexcept { return call_ != nullptr; }

  private:
    friend class runtime;

    std::shared_ptr<detail::runtime_owner> owner_;
    std::unique_ptr<detail::provider_call> call_;
    rota_runtime *handle_ = nullptr;
    std::uint64_t id_ = 0;
};

template <class Function>
result<metrics_provider> runtime::add_metrics_provider(Function &&function) const {
    using held = std::decay_t<Function>;
    static_assert(std::is_invocable_v<held &, metrics_sink &>,
                  "a provider is called with a rota::metrics_sink &");
    auto call = std::make_unique<detail::provider_call>(
        std::make_unique<detail::provider_of<held>>(std::forward<Function>(function)));
    metrics_provider added;
    detail::failure why;
    const rota_status code = ::rota_metrics_provider_add(handle_, detail::provider_call::forward,
                                                         call.get(), &added.id_, why.slot());
    if (code != ROTA_STATUS_OK)
        return why.with(code);
    added.owner_ = owner_;
    added.call_ = std::move(call);
    added.handle_ = handle_;
    return added;
}

/// A decision that a runtime kept: the fields of rota_decision, and what they mean.
struct decision : rota_decision {
    /// What was decided.
    rota::action what() const noexcept { return static_cast<rota::action>(action); }
    /// Why, in English.
    std::string_view reason() const noexcept { return detail; }
};

static_assert(sizeof(decision) == sizeof(rota_decision));

inline result<std::vector<decision>> runtime::decisions() const {
    return detail::listed(decision(), [this](decision *room, auto... place) {
        return ::rota_runtime_get_decisions(handle_, room, place...);
    });
}

inline result<void> runtime::metrics(snapshot &to) const {
    for (;;) {
        to.clear();
        rota_snapshot raw = ROTA_SNAPSHOT_INIT;
        raw.tenants = to.tenants_.data();
        raw.tenants_cap = to.tenants_.size();
        raw.handlers = to.handlers_.data();
        raw.handlers_cap = to.handlers_.size();
        raw.values = to.values_.data();
        raw.values_cap = to.values_.size();
        raw.runtime = &to.runtime_;
        detail::failure why;
        const rota_status code = ::rota_metrics_snapshot(handle_, &raw, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        if (raw.tenants_needed <= raw.tenants_cap && raw.handlers_needed <= raw.handlers_cap &&
            raw.values_needed <= raw.values_cap) {
            to.tenant_count_ = raw.tenants_needed;
            to.handler_count_ = raw.handlers_needed;
            to.value_count_ = raw.values_needed;
            return {};
        }
        to.tenants_.resize(std::max(raw.tenants_needed, raw.tenants_cap));
        to.handlers_.resize(std::max(raw.handlers_needed, raw.handlers_cap));
        to.values_.resize(std::max(raw.values_needed, raw.values_cap));
    }
}

inline result<void> runtime::metrics_text(metrics_format format, std::string &to) const {
    for (;;) {
        to.resize(to.capacity());
        std::size_t needed = 0;
        detail::failure why;
        const rota_status code = ::rota_metrics_text(handle_, static_cast<std::uint32_t>(format),
                                                     to.data(), to.size(), &needed, why.slot());
        if (code != ROTA_STATUS_OK || needed <= to.size()) {
            to.resize(needed);
            if (code != ROTA_STATUS_OK)
                return why.with(code);
            return {};
        }
        to.reserve(needed + needed / 8); // it may have become longer when it is asked for again
    }
}

} // namespace ROTA_HPP_DIALECT
} // namespace rota

#endif
