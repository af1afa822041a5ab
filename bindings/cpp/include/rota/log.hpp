// The log of the process, handed to any callable.
#ifndef ROTA_LOG_HPP
#define ROTA_LOG_HPP

#include <functional>
#include <memory>
#include <mutex>
#include <rota/result.hpp>
#include <string_view>

namespace rota {
inline namespace ROTA_HPP_DIALECT {

/// Gets one message: one line, which lives until the function returns.
using log_function = std::function<void(log_level, std::string_view)>;

namespace detail {

// Never freed at the process' end: the library's threads may still have something to say then.
inline log_function *log_now = nullptr;
inline std::mutex log_lock;
inline thread_local bool in_log = false;

inline void log_forward(void *user, std::uint32_t level, const char *text, std::size_t len) {
    in_log = true;
#if ROTA_HPP_EXCEPTIONS
    try {
        (*static_cast<log_function *>(user))(static_cast<log_level>(level), {text, len});
    } catch (...) {
        // It can't pass through the library, and there is nobody to tell.
    }
#else
    (*static_cast<log_function *>(user))(static_cast<log_level>(level), {text, len});
#endif
    in_log = false;
}

} // namespace detail

/// Sets the function that gets the log messages of the whole process up to `level`. It is kept
/// until the next call, and after that is no longer running. An empty one: none.
///
/// The function may be called from any thread, from several at once, but never from inside submit.
/// It must not call into Rota; what it throws is dropped.
///
/// Threading: any thread, but not from inside the function.
/// Errors: wrong_state from inside the function.
inline result<void> set_log(log_level level, log_function function) {
    detail::failure why;
    if (detail::in_log) // who holds the lock may be waiting for this very function to return
        return error(status::wrong_state, "the log function can't be set from inside itself");
    auto next = function ? std::make_unique<log_function>(std::move(function)) : nullptr;
    std::unique_ptr<log_function> before; // freed without the lock
    const std::lock_guard<std::mutex> guard(detail::log_lock);
    const rota_status code =
        ::rota_log_set(next ? detail::log_forward : nullptr, next.get(),
                       next ? static_cast<std::uint32_t>(level) : ROTA_LOG_OFF, why.slot());
    if (code != ROTA_STATUS_OK)
        return why.with(code);
    before.reset(std::exchange(detail::log_now, next.release()));
    return {};
}

/// No function gets the log any more.
inline result<void> unset_log() { return set_log(log_level::off, nullptr); }

} // namespace ROTA_HPP_DIALECT
} // namespace rota

#endif
