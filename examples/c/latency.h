/* Times in nanoseconds, and what many of them come to. */
#ifndef LATENCY_H
#define LATENCY_H

#include <stddef.h>
#include <stdint.h>

struct latency {
    size_t samples;
    double p50_us, p99_us;
};

/* A clock that never goes back. */
uint64_t now_ns(void);

/* Sorts the samples. */
struct latency latency_of(uint64_t *samples_ns, size_t count);

#endif
