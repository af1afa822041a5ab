/* The monotonic clock, and percentiles by sorting. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "latency.h"

#include <stdlib.h>
#include <time.h>

uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int by_size(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

struct latency latency_of(uint64_t *samples_ns, size_t count) {
    struct latency latency = {.samples = count};
    if (count > 0) {
        qsort(samples_ns, count, sizeof *samples_ns, by_size);
        latency.p50_us = (double)samples_ns[count / 2] / 1000;
        latency.p99_us = (double)samples_ns[count * 99 / 100] / 1000;
    }
    return latency;
}
