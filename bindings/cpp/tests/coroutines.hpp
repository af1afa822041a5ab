// What tests of coroutines start from; nothing where the language has none.
#ifndef COROUTINES_HPP
#define COROUTINES_HPP

#include <rota/rota.hpp>

#if ROTA_HPP_COROUTINES

#include <coroutine>
#include <cstdlib>

// A coroutine that starts at once and ends by itself.
struct detached {
    struct promise_type {
        detached get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::abort(); }
    };
};

#endif

#endif
