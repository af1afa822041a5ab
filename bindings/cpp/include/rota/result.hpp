// rota::error, and rota::result<T>: a value, or the error that came instead.
//
// result is a type of its own in every standard, with the surface of std::expected; where there is
// a std::expected, the two convert into each other. Nothing throws but result::value(), and where
// exceptions are off, that prints the error and aborts.
#ifndef ROTA_RESULT_HPP
#define ROTA_RESULT_HPP

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <rota/types.hpp>
#include <type_traits>
#include <utility>

#if ROTA_HPP_EXPECTED
#include <expected>
#endif

namespace rota {
inline namespace ROTA_HPP_DIALECT {

/// Why a call failed. It belongs to no thread and lives as long as it is kept, also after the
/// runtime's end. Moved from, it says OK.
class [[nodiscard]] error {
  public:
    /// An error without an object of the library: text is static, or NULL for the status' own.
    explicit error(status code, const char *text = nullptr) noexcept : text_(text), code_(code) {}
    /// Takes over what a C call returned; object may be NULL.
    error(rota_status code, rota_error *object) noexcept
        : object_(object), code_(static_cast<status>(code)) {}
    error(error &&other) noexcept
        : object_(std::exchange(other.object_, nullptr)),
          text_(std::exchange(other.text_, nullptr)),
          code_(std::exchange(other.code_, status::ok)) {}
    error &operator=(error &&other) noexcept {
        error taken(std::move(other));
        std::swap(object_, taken.object_);
        std::swap(text_, taken.text_);
        std::swap(code_, taken.code_);
        return *this;
    }
    ~error() {
        if (object_ != nullptr)
            ::rota_error_destroy(object_);
    }

    status code() const noexcept {
        return object_ != nullptr ? static_cast<status>(::rota_error_status(object_)) : code_;
    }
    /// What happened and what to do about it: one line of English, or for invalid_module what a
    /// compiler would print. It lives as long as this.
    const char *message() const noexcept {
        if (object_ != nullptr)
            return ::rota_error_message(object_);
        return text_ != nullptr ? text_ : text(code_);
    }
    /// The VkResult of the Vulkan call that failed; 0 if none did.
    std::int32_t vk_result() const noexcept {
        return object_ != nullptr ? ::rota_error_vk_result(object_) : 0;
    }
    /// The same call may succeed later without anything else being changed.
    bool retryable() const noexcept {
        if (object_ != nullptr)
            return ::rota_error_retryable(object_) != 0;
        return code_ == status::would_block || code_ == status::timeout;
    }

    /// What the quota of a quota_exceeded limits; none for any other error.
    rota::resource resource() const noexcept {
        return static_cast<rota::resource>(::rota_error_resource(object_));
    }
    /// How much of the resource the call asked for; 0 from tenant::set_quota.
    std::uint64_t requested() const noexcept { return ::rota_error_requested(object_); }
    /// How much of the resource was in use.
    std::uint64_t used() const noexcept { return ::rota_error_used(object_); }
    /// How much of the resource the quota allows.
    std::uint64_t cap() const noexcept { return ::rota_error_cap(object_); }
    /// The quota is the one of all tenants of the runtime together, not the tenant's own.
    bool of_runtime() const noexcept { return ::rota_error_of_runtime(object_) != 0; }

    friend bool operator==(const error &left, status right) noexcept {
        return left.code() == right;
    }
    friend bool operator!=(const error &left, status right) noexcept {
        return left.code() != right;
    }

  private:
    rota_error *object_ = nullptr;
    const char *text_ = nullptr;
    status code_;
};

#if ROTA_HPP_EXCEPTIONS
/// What result::value() throws. Copies share the error.
class exception : public std::exception {
  public:
    explicit exception(error why) : why_(std::make_shared<const error>(std::move(why))) {}
    const char *what() const noexcept override { return why_->message(); }
    const error &why() const noexcept { return *why_; }

  private:
    std::shared_ptr<const error> why_;
};
#endif

template <class T> class result;

namespace detail {

/// Throws the error, or prints it and aborts.
[[noreturn]] inline void raise(error why) {
#if ROTA_HPP_EXCEPTIONS
    throw exception(std::move(why));
#else
    std::fprintf(stderr, "rota: %s: %s\n", name(why.code()), why.message());
    std::abort();
#endif
}

/// The place for a C call's error object.
class failure {
  public:
    rota_error **slot() noexcept { return &object_; }
    error with(rota_status code) noexcept { return error(code, object_); }
    /// What a call that gives nothing but its status came to.
    result<void> outcome(rota_status code) noexcept;

  private:
    rota_error *object_ = nullptr;
};

template <class T> struct is_result : std::false_type {};
template <class T> struct is_result<result<T>> : std::true_type {};

} // namespace detail

/// A T or an error. Using the value of an error, or the error of a value, by operator*, operator->
/// or error() is undefined; value() looks. Taking from a temporary gives a T, not a reference into
/// it.
template <class T> class [[nodiscard]] result {
    static_assert(std::is_object_v<T> && !std::is_same_v<std::remove_cv_t<T>, rota::error>);
    static_assert(std::is_nothrow_move_constructible_v<T>);

  public:
    using value_type = T;
    using error_type = rota::error;

    template <class U = T, class = std::enable_if_t<std::is_convertible_v<U &&, T> &&
                                                    !detail::is_result<std::decay_t<U>>::value &&
                                                    !std::is_same_v<std::decay_t<U>, rota::error>>>
    result(U &&value) noexcept(std::is_nothrow_constructible_v<T, U &&>)
        : value_(std::forward<U>(value)), has_(true) {}
    result(rota::error &&why) noexcept : error_(std::move(why)), has_(false) {}
    result(result &&other) noexcept : has_(other.has_) { fill_from(std::move(other)); }
    result &operator=(result &&other) noexcept {
        if (this != &other) {
            clear();
            has_ = other.has_;
            fill_from(std::move(other));
        }
        return *this;
    }
    ~result() { clear(); }

    bool has_value() const noexcept { return has_; }
    explicit operator bool() const noexcept { return has_; }

    T &operator*() &noexcept { return value_; }
    const T &operator*() const &noexcept { return value_; }
    T operator*() &&noexcept { return std::move(value_); }
    T *operator->() noexcept { return std::addressof(value_); }
    const T *operator->() const noexcept { return std::addressof(value_); }

    /// The value, or rota::exception with the error, which moves there.
    T &value() & {
        must_have();
        return value_;
    }
    T value() && {
        must_have();
        return std::move(value_);
    }
    template <class U> T value_or(U &&other) && {
        return has_ ? std::move(value_) : static_cast<T>(std::forward<U>(other));
    }
    template <class U> T value_or(U &&other) const & {
        return has_ ? value_ : static_cast<T>(std::forward<U>(other));
    }

    rota::error &error() &noexcept { return error_; }
    const rota::error &error() const &noexcept { return error_; }
    rota::error error() &&noexcept { return std::move(error_); }

    /// f(value), which gives a result; the error passes by.
    template <class F> auto and_then(F &&f) && {
        using next = std::decay_t<std::invoke_result_t<F, T &&>>;
        static_assert(detail::is_result<next>::value, "and_then: f has to return a rota::result");
        return has_ ? std::invoke(std::forward<F>(f), std::move(value_)) : next(std::move(error_));
    }
    /// f(value) as a result; the error passes by.
    template <class F> auto transform(F &&f) && {
        using made = std::decay_t<std::invoke_result_t<F, T &&>>;
        if (!has_)
            return result<made>(std::move(error_));
        if constexpr (std::is_void_v<made>) {
            std::invoke(std::forward<F>(f), std::move(value_));
            return result<made>();
        } else {
            return result<made>(std::invoke(std::forward<F>(f), std::move(value_)));
        }
    }
    /// f(error), which gives a result of this type; the value passes by.
    template <class F> result or_else(F &&f) && {
        return has_ ? result(std::move(value_))
                    : std::invoke(std::forward<F>(f), std::move(error_));
    }

#if ROTA_HPP_EXPECTED
    result(std::expected<T, rota::error> &&other) noexcept : has_(other.has_value()) {
        if (has_)
            ::new (static_cast<void *>(std::addressof(value_))) T(std::move(*other));
        else
            ::new (static_cast<void *>(std::addressof(error_)))
                rota::error(std::move(other).error());
    }
    operator std::expected<T, rota::error>() && {
        if (has_)
            return std::expected<T, rota::error>(std::in_place, std::move(value_));
        return std::expected<T, rota::error>(std::unexpect, std::move(error_));
    }
#endif

  private:
    void fill_from(result &&other) noexcept {
        if (has_)
            ::new (static_cast<void *>(std::addressof(value_))) T(std::move(other.value_));
        else
            ::new (static_cast<void *>(std::addressof(error_)))
                rota::error(std::move(other.error_));
    }
    void clear() noexcept {
        if (has_)
            value_.~T();
        else
            error_.~error_type();
    }
    void must_have() {
        if (!has_)
            detail::raise(std::move(error_));
    }

    union {
        T value_;
        rota::error error_;
    };
    bool has_;
};

/// Success, or an error.
template <> class [[nodiscard]] result<void> {
  public:
    using value_type = void;
    using error_type = rota::error;

    result() noexcept : error_(status::ok), has_(true) {}
    result(rota::error &&why) noexcept : error_(std::move(why)), has_(false) {}

    bool has_value() const noexcept { return has_; }
    explicit operator bool() const noexcept { return has_; }
    void operator*() const noexcept {}
    /// Does nothing, or throws rota::exception with the error, which moves there.
    void value() {
        if (!has_)
            detail::raise(std::move(error_));
    }

    rota::error &error() &noexcept { return error_; }
    const rota::error &error() const &noexcept { return error_; }
    rota::error error() &&noexcept { return std::move(error_); }

    template <class F> auto and_then(F &&f) && {
        using next = std::decay_t<std::invoke_result_t<F>>;
        static_assert(detail::is_result<next>::value, "and_then: f has to return a rota::result");
        return has_ ? std::invoke(std::forward<F>(f)) : next(std::move(error_));
    }
    template <class F> auto transform(F &&f) && {
        using made = std::decay_t<std::invoke_result_t<F>>;
        if (!has_)
            return result<made>(std::move(error_));
        if constexpr (std::is_void_v<made>) {
            std::invoke(std::forward<F>(f));
            return result<made>();
        } else {
            return result<made>(std::invoke(std::forward<F>(f)));
        }
    }
    template <class F> result or_else(F &&f) && {
        return has_ ? result() : std::invoke(std::forward<F>(f), std::move(error_));
    }

#if ROTA_HPP_EXPECTED
    result(std::expected<void, rota::error> &&other) noexcept
        : error_(other.has_value() ? rota::error(status::ok) : std::move(other).error()),
          has_(other.has_value()) {}
    operator std::expected<void, rota::error>() && {
        if (has_)
            return std::expected<void, rota::error>();
        return std::expected<void, rota::error>(std::unexpect, std::move(error_));
    }
#endif

  private:
    rota::error error_;
    bool has_;
};

namespace detail {

inline result<void> failure::outcome(rota_status code) noexcept {
    if (code != ROTA_STATUS_OK)
        return with(code);
    return {};
}

} // namespace detail

} // namespace ROTA_HPP_DIALECT
} // namespace rota

#endif
