// What the compiler offers, and the inline namespace that says so.
//
// The classes differ a little with the language: std::span from C++20, std::expected from C++23,
// throwing only where exceptions are on. One program may be made of parts that were built
// differently, so each dialect has names of its own: rota::tenant is rota::v0_1_cpp17::tenant in
// one part and rota::v0_1_cpp20::tenant in another, and the linker never takes one for the other.
// Parts that hand objects to each other are built in one dialect.
#ifndef ROTA_CONFIG_HPP
#define ROTA_CONFIG_HPP

#include <rota/rota.h>

#if __cplusplus < 201703L
#error "rota.hpp needs C++17 or later"
#endif

#if __has_include(<version>)
#include <version>
#endif

#if defined(__cpp_lib_span) && defined(__cpp_lib_coroutine) && defined(__cpp_lib_expected)
#define ROTA_HPP_LANGUAGE cpp23
#define ROTA_HPP_SPAN 1
#define ROTA_HPP_COROUTINES 1
#define ROTA_HPP_EXPECTED 1
#elif defined(__cpp_lib_span) && defined(__cpp_lib_coroutine)
#define ROTA_HPP_LANGUAGE cpp20
#define ROTA_HPP_SPAN 1
#define ROTA_HPP_COROUTINES 1
#define ROTA_HPP_EXPECTED 0
#else
#define ROTA_HPP_LANGUAGE cpp17
#define ROTA_HPP_SPAN 0
#define ROTA_HPP_COROUTINES 0
#define ROTA_HPP_EXPECTED 0
#endif

#if defined(__cpp_exceptions)
#define ROTA_HPP_EXCEPTIONS 1
#define ROTA_HPP_ENDING
#else
#define ROTA_HPP_EXCEPTIONS 0
#define ROTA_HPP_ENDING _no_exceptions
#endif

#define ROTA_HPP_PASTE(major, minor, language, ending) v##major##_##minor##_##language##ending
#define ROTA_HPP_NAME(major, minor, language, ending) ROTA_HPP_PASTE(major, minor, language, ending)
#define ROTA_HPP_DIALECT                                                                           \
    ROTA_HPP_NAME(ROTA_VERSION_MAJOR, ROTA_VERSION_MINOR, ROTA_HPP_LANGUAGE, ROTA_HPP_ENDING)

#endif
