/* The pattern sets. No pattern may hold a newline: long files are cut at the ends of lines. */
#include "sets.h"

#define PATTERNS(...)                                                                              \
    .patterns = {__VA_ARGS__},                                                                     \
    .count = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)

const struct pattern_set pattern_sets[SET_COUNT] = {
    {
        .name = "unsafe code",
        PATTERNS("unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "transmute", "from_raw",
                 "get_unchecked", "MaybeUninit", "UnsafeCell", "NonNull<", "*mut ", "*const ",
                 "static mut", "asm!("),
    },
    {
        .name = "ways to fail",
        PATTERNS(".unwrap()", ".expect(", "panic!(", "unreachable!(", "todo!(", "unimplemented!(",
                 "assert!(", "debug_assert!(", "Err(", "Error", "abort()", "overflow"),
    },
    {
        .name = "licences",
        .ignore_case = true,
        PATTERNS("apache license", "apache-2.0", "mit license", "mozilla public", "gnu general",
                 "bsd", "unlicense", "spdx-license-identifier", "copyright", "warranty",
                 "all rights reserved", "permission is hereby granted"),
    },
    {
        .name = "hashes and ciphers",
        .ignore_case = true,
        PATTERNS("md5", "sha1", "sha-1", "sha256", "sha-256", "sha512", "sha3", "blake2", "blake3",
                 "siphash", "crc32", "hmac", "aes", "chacha20", "ed25519", "rsa"),
    },
    {
        .name = "hosts",
        PATTERNS("https://", "http://", "github.com", "docs.rs", "crates.io", "rust-lang.org",
                 "wikipedia.org", "example.com", "localhost", "127.0.0.1", "0.0.0.0", "::1"),
    },
};
