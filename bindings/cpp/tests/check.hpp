// Checks for the test programs: what fails is named by file, line and values, and ends the program
// with exit status 1. They stand alone: no exceptions, no RTTI.
#ifndef CHECK_HPP
#define CHECK_HPP

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <rota/rota.hpp>

#define CHECK(...) check_that(__FILE__, __LINE__, #__VA_ARGS__, static_cast<bool>(__VA_ARGS__))
// Two integers are equal.
#define EQUAL(got, wanted)                                                                         \
    check_equal(__FILE__, __LINE__, #got, static_cast<unsigned long long>(got),                    \
                static_cast<unsigned long long>(wanted))
// A rota::result has a value, which this gives.
#define MUST(...) check_value(__FILE__, __LINE__, #__VA_ARGS__, __VA_ARGS__)
// A rota::result has this error, with a message that contains the text.
#define FAILS(call, code, saying) check_error(__FILE__, __LINE__, #call, call, code, saying)

inline void check_that(const char *file, int line, const char *text, bool holds) {
    if (holds)
        return;
    std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, text);
    std::exit(1);
}

inline void check_equal(const char *file, int line, const char *text, unsigned long long got,
                        unsigned long long wanted) {
    if (got == wanted)
        return;
    std::fprintf(stderr, "%s:%d: %s is %llu (0x%llx), not %llu (0x%llx)\n", file, line, text, got,
                 got, wanted, wanted);
    std::exit(1);
}

template <class T>
T check_value(const char *file, int line, const char *text, rota::result<T> result) {
    if (!result) {
        std::fprintf(stderr, "%s:%d: %s\n    gave %s: %s\n", file, line, text,
                     rota::name(result.error().code()), result.error().message());
        std::exit(1);
    }
    if constexpr (!std::is_void_v<T>)
        return std::move(*result);
}

template <class T>
void check_error(const char *file, int line, const char *text, const rota::result<T> &result,
                 rota::status code, const char *saying) {
    if (result) {
        std::fprintf(stderr, "%s:%d: %s\n    gave no error, not %s\n", file, line, text,
                     rota::name(code));
        std::exit(1);
    }
    const rota::error &why = result.error();
    if (why.code() != code || std::strlen(why.message()) < 8 ||
        std::strstr(why.message(), saying) == nullptr) {
        std::fprintf(stderr, "%s:%d: %s\n    gave %s, not %s with \"%s\": %s\n", file, line, text,
                     rota::name(why.code()), rota::name(code), saying, why.message());
        std::exit(1);
    }
}

#endif
