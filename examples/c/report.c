/* Text, numbers with thousands marks, and a progress line. */
#define _POSIX_C_SOURCE 200809L /* isatty, fileno */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const double MIB = 1024.0 * 1024.0;

/* Writes 1234567 as "1,234,567". A call may hold up to four results at once. */
static const char *number(uint64_t value) {
    static char texts[4][32];
    static unsigned turn;
    char *text = texts[turn++ % 4], digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, value);
    char *out = text;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *out++ = ',';
        *out++ = digits[i];
    }
    *out = 0;
    return text;
}

static double per_second(uint64_t bytes, double seconds) {
    return seconds > 0 ? (double)bytes / MIB / seconds : 0;
}

void report_input(const struct corpus *corpus, size_t limit, double seconds) {
    printf("Input     %s files, %.1f MiB of text, read in %.2f s\n", number(corpus->file_count),
           (double)corpus->length / MIB, seconds);
    if (corpus->files_over_limit)
        printf("          left out: %s files, %.1f MiB, beyond the limit of %.0f MiB (--limit)\n",
               number(corpus->files_over_limit), (double)corpus->bytes_over_limit / MIB,
               (double)limit / MIB);
    if (corpus->binary_files)
        printf("          left out: %s files that are not text\n", number(corpus->binary_files));
    if (corpus->unreadable_files)
        printf("          left out: %s files that can't be read\n",
               number(corpus->unreadable_files));
}

static const char *mode_name(uint32_t mode) {
    switch (mode) {
    case ROTA_MODE_RESIDENT:
        return "RESIDENT";
    case ROTA_MODE_BATCH:
        return "BATCH";
    default:
        return "unknown";
    }
}

void report_device(const rota_runtime_info *info) {
    printf("Device    %s, opened in %.0f ms\n", info->device_name, (double)info->open_ns / 1e6);
}

void report_module(const char *name, const rota_module_report *report) {
    printf("Handler   %s, verified in %.0f ms, composed in %.0f ms, compiled in %.0f ms\n\n", name,
           (double)report->verify_ns / 1e6, (double)report->compose_ns / 1e6,
           (double)report->compile_ns / 1e6);
}

void report_progress(const struct progress *progress) {
    static uint64_t last_ns;
    static int terminal = -1;
    if (terminal < 0)
        terminal = isatty(fileno(stdout));
    uint64_t now = now_ns();
    uint64_t since = last_ns ? last_ns : progress->started_ns;
    if (now - since < (terminal ? 100u : 1000u) * UINT64_C(1000000))
        return;
    last_ns = now;

    enum { BAR = 24 };
    char bar[BAR + 1];
    double part = progress->total ? (double)progress->done / (double)progress->total : 1;
    memset(bar, '.', BAR);
    memset(bar, '#', (size_t)(part * BAR));
    bar[BAR] = 0;
    printf("%sScanning  [%s] %3.0f %%  %4.0f of %.0f MiB  %4.0f MiB/s  %s jobs%s",
           terminal ? "\r" : "", bar, 100 * part, (double)progress->done / MIB,
           (double)progress->total / MIB,
           per_second(progress->done, (double)(now - progress->started_ns) / 1e9),
           number(progress->jobs), terminal ? "  " : "\n");
    fflush(stdout);
}

void report_progress_end(void) {
    if (isatty(fileno(stdout)))
        printf("\r%78s\r", "");
}

void report_counts(const struct pattern_set *set, const uint64_t *counts, uint64_t bytes,
                   double seconds) {
    uint64_t all = 0;
    for (size_t p = 0; p < set->count; p++)
        all += counts[p];
    printf("%s: %s matches%s, %.0f MiB/s\n", set->name, number(all),
           set->ignore_case ? " in any case" : "", per_second(bytes, seconds));

    size_t rows = (set->count + 1) / 2;
    for (size_t row = 0; row < rows; row++) {
        size_t right = row + rows;
        printf("  %-26s %9s", set->patterns[row], number(counts[row]));
        if (right < set->count)
            printf("    %-26s %9s", set->patterns[right], number(counts[right]));
        printf("\n");
    }
    printf("\n");
}

void report_check(uint64_t jobs, double table_seconds, size_t patterns, double plain_seconds) {
    printf("Checked   every count is the one that the CPU finds in the same bytes\n");
    printf("          by the same tables, job by job: %s jobs agree (%.1f s)\n", number(jobs),
           table_seconds);
    printf("          by memmem, pattern by pattern: %s patterns agree (%.1f s)\n\n",
           number(patterns), plain_seconds);
}

static void report_latency(const char *name, const struct latency *latency) {
    printf("  %-17s p50 %8.2f us   p99 %8.2f us   over %s\n", name, latency->p50_us,
           latency->p99_us, number(latency->samples));
}

void report_summary(const struct summary *summary) {
    const rota_runtime_info *info = &summary->info;
    printf("What happened\n");
    printf("  driver            %s, %s\n", info->driver, info->driver_info);
    printf("  mode              %s, %s %s of %s lanes\n", mode_name(info->mode),
           number(info->workers), info->workers == 1 ? "worker" : "workers",
           number(info->subgroup_size));
    printf("  jobs              %s scans in %s tiles\n", number(summary->scan_jobs),
           number(summary->scan_tiles));
    printf("  leases            %s, woken %s times\n", number(info->leases), number(info->wakes));
    printf("  scanned           %.0f MiB in %.2f s: %.0f MiB/s over all sets\n",
           (double)summary->bytes / MIB, summary->seconds,
           per_second(summary->bytes, summary->seconds));
    report_latency("a NOP job", &summary->rota);
    if (summary->plain_missing) {
        printf("  submit + fence    not measured: %s\n", summary->plain_missing);
    } else {
        report_latency("submit + fence", &summary->plain);
        double ratio = summary->plain.p50_us / summary->rota.p50_us;
        printf("                    plain Vulkan on this device takes %.*f times as long\n",
               ratio < 10 ? 1 : 0, ratio);
    }
}
