/* Everything that the scan prints to standard output. */
#ifndef REPORT_H
#define REPORT_H

#include "dfa.h"
#include "files.h"
#include "latency.h"

#include <rota/rota.h>
#include <stdbool.h>

void report_input(const struct corpus *corpus, size_t limit, double seconds);
void report_device(const rota_runtime_info *info);
void report_module(const char *name, const rota_module_report *report);

struct progress {
    uint64_t done, total; /* bytes, over all sets */
    uint64_t jobs;
    uint64_t started_ns;
};

/* To be called often. On a terminal it redraws one line ten times a second, elsewhere it prints a
 * line each second. */
void report_progress(const struct progress *progress);
void report_progress_end(void);

void report_counts(const struct pattern_set *set, const uint64_t *counts, uint64_t bytes,
                   double seconds);

struct summary {
    rota_runtime_info info; /* as it stood after the last job */
    uint64_t scan_jobs, scan_tiles, bytes;
    double seconds;            /* first submit to last completion */
    struct latency rota;       /* of a NOP job */
    struct latency plain;      /* of a plain Vulkan submit and fence */
    const char *plain_missing; /* why plain is not there, or NULL */
};

void report_check(uint64_t jobs, double table_seconds, size_t patterns, double plain_seconds);
void report_summary(const struct summary *summary);

#endif
