/* Checks for the test programs: what fails is named by file, line and values, and ends the program
 * with exit status 1. `error` is this thread's last error object; every call that can fail is given
 * &error, and the macros look at it and free it. */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <rota/rota.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local rota_error *error;

/* The call succeeds. */
#define OK(call) check_status(__FILE__, __LINE__, #call, (call), ROTA_STATUS_OK, "")
/* The call returns this status; for a failure, the error object agrees and has a message. */
#define RETURNS(call, status) check_status(__FILE__, __LINE__, #call, (call), (status), "")
/* The same, and the message contains the text. */
#define FAILS_SAYING(call, status, text)                                                           \
    check_status(__FILE__, __LINE__, #call, (call), (status), (text))
#define CHECK(condition) check_true(__FILE__, __LINE__, #condition, !!(condition))
/* Two unsigned integers are equal. */
#define EQUAL(got, wanted)                                                                         \
    check_equal(__FILE__, __LINE__, #got, (uint64_t)(got), (uint64_t)(wanted))

static inline void check_true(const char *file, int line, const char *text, int holds) {
    if (holds)
        return;
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, text);
    exit(1);
}

static inline void check_equal(const char *file, int line, const char *text, uint64_t got,
                               uint64_t wanted) {
    if (got == wanted)
        return;
    fprintf(stderr, "%s:%d: %s is %" PRIu64 " (0x%" PRIx64 "), not %" PRIu64 " (0x%" PRIx64 ")\n",
            file, line, text, got, got, wanted, wanted);
    exit(1);
}

static inline void check_status(const char *file, int line, const char *call, rota_status got,
                                rota_status wanted, const char *saying) {
    const char *message = error ? rota_error_message(error) : "(no error object)";
    if (got != wanted) {
        fprintf(stderr, "%s:%d: %s\n    returned %s, not %s: %s\n", file, line, call,
                rota_status_name(got), rota_status_name(wanted), message);
        exit(1);
    }
    int silent = got == ROTA_STATUS_OK || got == ROTA_STATUS_WOULD_BLOCK ||
                 got == ROTA_STATUS_TIMEOUT; /* these never allocate an error */
    if (silent && error) {
        fprintf(stderr, "%s:%d: %s\n    returned %s and an error object: %s\n", file, line, call,
                rota_status_name(got), message);
        exit(1);
    }
    if (!silent && strstr(call, "&error")) {
        /* A message is one line, but for what a compiler would print. */
        int lines = got == ROTA_STATUS_INVALID_MODULE ? 1 : !strchr(message, '\n');
        if (!error || rota_error_status(error) != got || strlen(message) < 8 || !lines) {
            fprintf(stderr, "%s:%d: %s\n    returned %s, its error object says %s: %s\n", file,
                    line, call, rota_status_name(got), rota_status_name(rota_error_status(error)),
                    message);
            exit(1);
        }
        if (!strstr(message, saying)) {
            fprintf(stderr, "%s:%d: %s\n    the message lacks \"%s\": %s\n", file, line, call,
                    saying, message);
            exit(1);
        }
    }
    rota_error_destroy(error);
    error = NULL;
}

#endif
