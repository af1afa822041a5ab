/* Scans real files for several pattern sets at once on one device, and proves the counts.
 *
 * The device is taught to scan by a handler of the program's own, scan.wgsl, which is loaded into
 * the runtime and granted to each tenant.
 *
 * Each set is a tenant of its own: with its table, its counters, its ring. Four text buffers per
 * tenant take turns: while the jobs of some are being scanned, the next is filled. One job is one
 * file, so that no match crosses files, and is cut into tiles that all workers share. One thread
 * serves all tenants: it submits until a ring or the text buffers are full, takes completions, and
 * sleeps on the tenants' event descriptors when there is nothing to do.
 *
 * In the end each count is compared with what the CPU finds in the same bytes; a difference is an
 * error, exit status 1. */
#define _POSIX_C_SOURCE 200809L /* poll, strcasecmp */
#include "dfa.h"
#include "files.h"
#include "latency.h"
#include "plain_vulkan.h"
#include "report.h"
#include "scan_wgsl.h"
#include "sets.h"

#include <ctype.h>
#include <inttypes.h>
#include <poll.h>
#include <rota/rota.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    CHUNK_BYTES = 2 << 20, /* one text buffer */
    TEXT_BUFFERS = 4,      /* per tenant */
    BATCH = 64,            /* jobs per submit, completions per poll */
    SCAN = ROTA_FIRST_OPCODE,
    TILE_BYTES = 16384, /* the most that scan.wgsl lets a tile have */
    TILE_FUEL = 6000,   /* enough for one with thousands of matches */
    NOP_SAMPLES = 20000,
    PLAIN_SAMPLES = 2000,
};

/* A text buffer and how many of its chunk's jobs have not come back. */
struct text_buffer {
    rota_buffer buffer;
    size_t unfinished;
};

/* One pattern set at work. */
struct scanner {
    const struct pattern_set *set;
    struct dfa dfa;
    rota_tenant *tenant;
    int event_fd;
    rota_buffer table, counts;
    struct text_buffer texts[TEXT_BUFFERS];
    /* Where the submitting is. */
    size_t next_chunk;
    struct text_buffer *cutting; /* the buffer whose pieces are being submitted, or NULL */
    size_t next_piece;
    /* What came back. */
    size_t pieces_done;
    uint64_t *piece_matches; /* per piece of the corpus */
    uint64_t finished_ns;
};

static rota_error *error; /* of the call just made; one thread makes them all */

static void must(rota_status status, const char *doing) {
    if (status == ROTA_STATUS_OK)
        return;
    fprintf(stderr, "\nscan: %s: %s\n", doing,
            error ? rota_error_message(error) : rota_status_text(status));
    rota_error_destroy(error);
    exit(1);
}

static rota_buffer new_buffer(rota_tenant *tenant, uint64_t bytes, uint32_t flags) {
    rota_buffer buffer;
    must(rota_buffer_create(tenant, bytes, flags, &buffer, &error), "creating a buffer");
    return buffer;
}

/* The handler, for whoever it is granted to. */
static rota_module load_handler(rota_runtime *runtime, const rota_runtime_info *info) {
    rota_handler handler = {.opcode = SCAN, .kind = ROTA_HANDLER_TILED};
    handler.function = "scan";
    handler.function_len = strlen(handler.function);
    handler.fuel = info->most_tile_fuel < TILE_FUEL ? info->most_tile_fuel : TILE_FUEL;
    rota_module_options options = ROTA_MODULE_OPTIONS_INIT;
    options.label = "scan.wgsl";
    options.label_len = strlen(options.label);
    options.source = scan_wgsl;
    options.source_len = scan_wgsl_length;
    options.handlers = &handler;
    options.handler_count = 1;

    rota_module module;
    rota_module_report report = ROTA_MODULE_REPORT_INIT;
    must(rota_runtime_module_load(runtime, &options, &module, &report, &error),
         "loading the handler");
    report_module(options.label, &report);
    return module;
}

/* A tenant that may scan, with all its memory: the table and the texts, which jobs may only read,
 * and counters. */
static void scanner_open(struct scanner *scanner, rota_runtime *runtime, rota_module module,
                         const struct pattern_set *set, const struct corpus *corpus) {
    *scanner = (struct scanner){.set = set, .dfa = dfa_build(set)};
    scanner->piece_matches = calloc(corpus->piece_count, sizeof *scanner->piece_matches);
    if (!scanner->piece_matches) {
        fprintf(stderr, "scan: out of memory\n");
        exit(1);
    }

    rota_tenant_options options = ROTA_TENANT_OPTIONS_INIT;
    options.label = set->name;
    options.label_len = strlen(set->name);
    must(rota_tenant_create(runtime, &options, &scanner->tenant, &error), "creating a tenant");
    must(rota_runtime_module_grant(runtime, module, scanner->tenant, &error),
         "granting the handler");
    must(rota_tenant_event_fd(scanner->tenant, &scanner->event_fd, &error),
         "asking for the event descriptor");

    size_t table_bytes = scanner->dfa.length * sizeof(uint32_t);
    size_t counts_bytes = set->count * sizeof(uint32_t);
    scanner->table = new_buffer(scanner->tenant, table_bytes, ROTA_BUFFER_READ_ONLY);
    scanner->counts = new_buffer(scanner->tenant, counts_bytes, 0);
    for (size_t t = 0; t < TEXT_BUFFERS; t++)
        scanner->texts[t].buffer = new_buffer(scanner->tenant, CHUNK_BYTES, ROTA_BUFFER_READ_ONLY);
    must(rota_buffer_write(scanner->tenant, scanner->table, 0, scanner->dfa.words, table_bytes,
                           &error),
         "writing the table");
    must(rota_buffer_fill(scanner->tenant, scanner->counts, 0, counts_bytes, 0, &error),
         "clearing the counters");
}

/* Fills a text buffer that has no open jobs with the next chunk, if there are both. */
static void load_next_chunk(struct scanner *scanner, const struct corpus *corpus) {
    if (scanner->next_chunk == corpus->chunk_count)
        return;
    for (size_t t = 0; t < TEXT_BUFFERS; t++) {
        struct text_buffer *text = &scanner->texts[t];
        if (text->unfinished > 0)
            continue;
        const struct chunk *chunk = &corpus->chunks[scanner->next_chunk++];
        must(rota_buffer_write(scanner->tenant, text->buffer, 0, corpus->text + chunk->start,
                               chunk->length, &error),
             "writing text");
        text->unfinished = chunk->end_piece - chunk->first_piece;
        scanner->cutting = text;
        scanner->next_piece = chunk->first_piece;
        return;
    }
}

/* The job that scans one piece. Its user data says what came back: the piece, the text buffer. */
static rota_job scan_job(const struct scanner *scanner, const struct corpus *corpus,
                         size_t piece_index) {
    const struct piece *piece = &corpus->pieces[piece_index];
    const struct chunk *chunk = &corpus->chunks[scanner->next_chunk - 1];
    size_t text_index = (size_t)(scanner->cutting - scanner->texts);
    return (rota_job){
        .opcode = SCAN,
        .tiles = (uint32_t)((piece->length + TILE_BYTES - 1) / TILE_BYTES),
        .args = {scanner->cutting->buffer, (uint32_t)(piece->start - chunk->start),
                 (uint32_t)piece->length, scanner->table, scanner->counts, 0 /* first counter */},
        .user_data = piece_index * TEXT_BUFFERS + text_index,
    };
}

/* Submits until the ring is full, or all text buffers are in use, or nothing is left. Returns
 * whether a job was accepted. */
static bool scanner_submit(struct scanner *scanner, const struct corpus *corpus,
                           struct summary *summary) {
    bool moved = false;
    for (;;) {
        if (!scanner->cutting)
            load_next_chunk(scanner, corpus);
        if (!scanner->cutting)
            return moved;

        rota_job jobs[BATCH];
        size_t count = 0, accepted = 0;
        size_t end_piece = corpus->chunks[scanner->next_chunk - 1].end_piece;
        for (size_t p = scanner->next_piece; p < end_piece && count < BATCH; p++)
            jobs[count++] = scan_job(scanner, corpus, p);

        rota_status status = rota_submit(scanner->tenant, jobs, count, NULL, &accepted, &error);
        for (size_t i = 0; i < accepted; i++)
            summary->scan_tiles += jobs[i].tiles;
        summary->scan_jobs += accepted;
        scanner->next_piece += accepted;
        moved = moved || accepted > 0;
        if (scanner->next_piece == end_piece)
            scanner->cutting = NULL;
        if (status == ROTA_STATUS_WOULD_BLOCK)
            return moved; /* the ring is full; what was not accepted is offered again later */
        must(status, "submitting");
    }
}

/* Takes all completions that are there. Returns whether there was one. */
static bool scanner_poll(struct scanner *scanner, const struct corpus *corpus,
                         struct summary *summary) {
    bool moved = false;
    for (;;) {
        rota_completion done[BATCH];
        size_t count;
        rota_status status =
            rota_poll(scanner->tenant, done, BATCH, ROTA_WAIT_ADAPTIVE, 0, &count, &error);
        if (status == ROTA_STATUS_TIMEOUT)
            return moved;
        must(status, "polling");
        moved = true;
        for (size_t i = 0; i < count; i++) {
            size_t piece_index = done[i].user_data / TEXT_BUFFERS;
            const struct piece *piece = &corpus->pieces[piece_index];
            if (done[i].status != ROTA_COMPLETION_OK) {
                fprintf(stderr, "\nscan: %s, set \"%s\": the job came back %s, %s\n", piece->path,
                        scanner->set->name, rota_completion_status_name(done[i].status),
                        rota_fault_text(done[i].fault));
                exit(1);
            }
            scanner->texts[done[i].user_data % TEXT_BUFFERS].unfinished--;
            scanner->piece_matches[piece_index] = done[i].results[0] | (uint64_t)done[i].results[1]
                                                                           << 32;
            scanner->pieces_done++;
            summary->bytes += piece->length;
        }
        scanner->finished_ns = now_ns();
    }
}

/* Drives all tenants from this one thread until every piece has come back from each of them. */
static void scan_all(struct scanner *scanners, const struct corpus *corpus, struct summary *summary,
                     uint64_t started_ns) {
    struct pollfd events[SET_COUNT];
    for (size_t s = 0; s < SET_COUNT; s++)
        events[s] = (struct pollfd){.fd = scanners[s].event_fd, .events = POLLIN};

    for (size_t open = SET_COUNT; open > 0;) {
        bool moved = false;
        open = 0;
        for (size_t s = 0; s < SET_COUNT; s++) {
            moved |= scanner_submit(&scanners[s], corpus, summary);
            moved |= scanner_poll(&scanners[s], corpus, summary);
            open += scanners[s].pieces_done < corpus->piece_count;
        }
        report_progress(&(struct progress){.done = summary->bytes,
                                           .total = (uint64_t)SET_COUNT * corpus->length,
                                           .jobs = summary->scan_jobs,
                                           .started_ns = started_ns});
        if (!moved && open > 0)
            poll(events, SET_COUNT, 100 /* ms, for the progress line's sake */);
    }
    report_progress_end();
}

/* The counters of a set as the device left them. */
static void read_counts(struct scanner *scanner, uint64_t counts[MAX_PATTERNS]) {
    uint32_t words[MAX_PATTERNS];
    must(rota_buffer_read(scanner->tenant, scanner->counts, 0, words,
                          scanner->set->count * sizeof *words, &error),
         "reading the counters");
    for (size_t p = 0; p < scanner->set->count; p++)
        counts[p] = words[p];
}

static void must_agree(const struct pattern_set *set, size_t pattern, uint64_t device, uint64_t cpu,
                       const char *by) {
    if (device == cpu)
        return;
    fprintf(stderr,
            "\nscan: WRONG: set \"%s\", pattern \"%s\": the device counted %" PRIu64
            ", the CPU %" PRIu64 " (%s)\n",
            set->name, set->patterns[pattern], device, cpu, by);
    exit(1);
}

/* The same tables on the CPU, job by job and in all. Returns how many jobs were compared. */
static uint64_t check_by_table(const struct scanner *scanners, uint64_t counts[][MAX_PATTERNS],
                               const struct corpus *corpus) {
    uint64_t jobs = 0;
    for (size_t s = 0; s < SET_COUNT; s++) {
        const struct scanner *scanner = &scanners[s];
        uint64_t expected[MAX_PATTERNS] = {0};
        for (size_t i = 0; i < corpus->piece_count; i++, jobs++) {
            const struct piece *piece = &corpus->pieces[i];
            uint64_t matches =
                dfa_scan(&scanner->dfa, corpus->text + piece->start, piece->length, expected);
            if (matches != scanner->piece_matches[i]) {
                fprintf(stderr,
                        "\nscan: WRONG: %s (%zu bytes), set \"%s\": the job found %" PRIu64
                        " matches, the CPU %" PRIu64 "\n",
                        piece->path, piece->length, scanner->set->name, scanner->piece_matches[i],
                        matches);
                exit(1);
            }
        }
        for (size_t p = 0; p < scanner->set->count; p++)
            must_agree(scanner->set, p, counts[s][p], expected[p], "the same table");
    }
    return jobs;
}

/* Without any table: each pattern by itself. Returns how many patterns were compared. */
static size_t check_by_memmem(uint64_t counts[][MAX_PATTERNS], const struct corpus *corpus) {
    uint8_t *lower = malloc(corpus->length);
    if (!lower) {
        fprintf(stderr, "scan: out of memory for the check\n");
        exit(1);
    }
    for (size_t i = 0; i < corpus->length; i++)
        lower[i] = corpus->text[i] < 128 ? (uint8_t)tolower(corpus->text[i]) : corpus->text[i];

    size_t patterns = 0;
    for (size_t s = 0; s < SET_COUNT; s++) {
        const struct pattern_set *set = &pattern_sets[s];
        const uint8_t *text = set->ignore_case ? lower : corpus->text;
        for (size_t p = 0; p < set->count; p++, patterns++) {
            uint64_t expected = 0;
            for (size_t i = 0; i < corpus->piece_count; i++)
                expected +=
                    plain_count(set, p, text + corpus->pieces[i].start, corpus->pieces[i].length);
            must_agree(set, p, counts[s][p], expected, "memmem");
        }
    }
    free(lower);
    return patterns;
}

/* One job there and back, spinning, many times over. */
static struct latency nop_round_trip(rota_tenant *tenant) {
    static uint64_t times[NOP_SAMPLES];
    enum { WARM_UP = 1000 };
    const rota_job job = {.opcode = ROTA_OP_NOP, .tiles = 1, .args = {1, 2}};
    for (size_t i = 0; i < WARM_UP + NOP_SAMPLES; i++) {
        rota_completion done;
        size_t accepted, count;
        uint64_t start = now_ns();
        must(rota_submit(tenant, &job, 1, NULL, &accepted, &error), "submitting a NOP job");
        must(rota_poll(tenant, &done, 1, ROTA_WAIT_SPIN, ROTA_FOREVER, &count, &error),
             "waiting for a NOP job");
        if (i >= WARM_UP)
            times[i - WARM_UP] = now_ns() - start;
    }
    return latency_of(times, NOP_SAMPLES);
}

struct arguments {
    char *default_path[1];
    char *const *paths;
    size_t path_count;
    size_t limit;
    const char *device; /* NULL: as Rota chooses */
    uint32_t mode;
};

static void help(FILE *out) {
    fprintf(out,
            "usage: scan [--limit MIB] [--device NAME] [--mode auto|resident|batch] [PATH...]\n"
            "\n"
            "Counts the patterns of %d sets in files, or in all text files below directories, on\n"
            "a Vulkan device, and compares with the CPU. Without a PATH it takes the sources of\n"
            "the Rust crates that cargo has downloaded.\n"
            "\n"
            "  --limit MIB    read no more text than this; 64 by default\n"
            "  --device NAME  an index, a kind (cpu, integrated, discrete, virtual) or part of a\n"
            "                 name; $ROTA_DEVICE or the best one by default\n"
            "  --mode MODE    resident: jobs go into the running kernel; batch: kernels are\n"
            "                 launched for what has come in; auto, the default, probes\n",
            SET_COUNT);
}

static void usage_error(const char *problem, const char *what) {
    fprintf(stderr, "scan: %s%s\n\n", problem, what);
    help(stderr);
    exit(2);
}

/* The sources that cargo downloaded, or NULL. */
static char *cargo_sources(void) {
    static char path[4096];
    const char *home = getenv("CARGO_HOME"), *after = "";
    if (!home) {
        home = getenv("HOME");
        after = "/.cargo";
    }
    struct stat info;
    int length = home ? snprintf(path, sizeof path, "%s%s/registry/src", home, after) : -1;
    return length > 0 && (size_t)length < sizeof path && stat(path, &info) == 0 ? path : NULL;
}

static void parse(struct arguments *arguments, int argc, char **argv) {
    *arguments = (struct arguments){.limit = (size_t)64 << 20, .mode = ROTA_MODE_AUTO};
    int at = 1;
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        const char *option = argv[at];
        if (strcmp(option, "--") == 0) {
            at++;
            break;
        }
        if (strcmp(option, "--help") == 0) {
            help(stdout);
            exit(0);
        }
        const char *value = at + 1 < argc ? argv[++at] : NULL;
        if (!value)
            usage_error("unknown option, or no value after it: ", option);
        if (strcmp(option, "--limit") == 0) {
            char *end;
            unsigned long mib = strtoul(value, &end, 10);
            if (*end || mib == 0 || mib > 1 << 20)
                usage_error("--limit takes a number from 1 to 1048576, not ", value);
            arguments->limit = (size_t)mib << 20;
        } else if (strcmp(option, "--device") == 0) {
            arguments->device = value;
        } else if (strcmp(option, "--mode") == 0) {
            if (strcmp(value, "resident") == 0)
                arguments->mode = ROTA_MODE_RESIDENT;
            else if (strcmp(value, "batch") == 0)
                arguments->mode = ROTA_MODE_BATCH;
            else if (strcmp(value, "auto") != 0)
                usage_error("no such mode: ", value);
        } else {
            usage_error("unknown option: ", option);
        }
    }
    arguments->paths = argv + at;
    arguments->path_count = (size_t)(argc - at);
    if (arguments->path_count == 0) {
        arguments->default_path[0] = cargo_sources();
        if (!arguments->default_path[0])
            usage_error("no PATH is given, and cargo has no sources here", "");
        arguments->paths = arguments->default_path;
        arguments->path_count = 1;
    }
}

static rota_runtime *open_runtime(const struct arguments *arguments) {
    rota_runtime_options options = ROTA_RUNTIME_OPTIONS_INIT;
    options.device = arguments->device;
    options.device_len = arguments->device ? strlen(arguments->device) : 0;
    options.mode = arguments->mode;
    rota_runtime *runtime;
    must(rota_runtime_open(&options, &runtime, &error), "opening a device");
    return runtime;
}

static double seconds_between(uint64_t from_ns, uint64_t to_ns) {
    return (double)(to_ns - from_ns) / 1e9;
}

int main(int argc, char **argv) {
    struct arguments arguments;
    parse(&arguments, argc, argv);

    uint64_t before = now_ns();
    struct corpus corpus =
        corpus_load(arguments.paths, arguments.path_count, arguments.limit, CHUNK_BYTES);
    report_input(&corpus, arguments.limit, seconds_between(before, now_ns()));
    if (corpus.length == 0) {
        fprintf(stderr, "scan: there is no text to scan\n");
        return 1;
    }

    rota_runtime *runtime = open_runtime(&arguments);
    struct summary summary = {.info = ROTA_RUNTIME_INFO_INIT};
    must(rota_runtime_get_info(runtime, &summary.info, &error), "asking about the runtime");
    report_device(&summary.info);
    rota_module module = load_handler(runtime, &summary.info);

    static struct scanner scanners[SET_COUNT];
    for (size_t s = 0; s < SET_COUNT; s++)
        scanner_open(&scanners[s], runtime, module, &pattern_sets[s], &corpus);

    uint64_t started = now_ns(), finished = started;
    scan_all(scanners, &corpus, &summary, started);

    static uint64_t counts[SET_COUNT][MAX_PATTERNS];
    for (size_t s = 0; s < SET_COUNT; s++) {
        read_counts(&scanners[s], counts[s]);
        finished = scanners[s].finished_ns > finished ? scanners[s].finished_ns : finished;
        report_counts(&pattern_sets[s], counts[s], corpus.length,
                      seconds_between(started, scanners[s].finished_ns));
    }
    summary.seconds = seconds_between(started, finished);
    must(rota_runtime_get_info(runtime, &summary.info, &error), "asking about the runtime");

    before = now_ns();
    uint64_t checked_jobs = check_by_table(scanners, counts, &corpus);
    uint64_t between = now_ns();
    size_t checked_patterns = check_by_memmem(counts, &corpus);
    report_check(checked_jobs, seconds_between(before, between), checked_patterns,
                 seconds_between(between, now_ns()));

    summary.rota = nop_round_trip(scanners[0].tenant);
    must(rota_runtime_destroy(runtime, &error), "closing the runtime"); /* and its tenants */
    summary.plain_missing =
        plain_vulkan_round_trip(summary.info.device_name, PLAIN_SAMPLES, &summary.plain);
    report_summary(&summary);

    for (size_t s = 0; s < SET_COUNT; s++) {
        dfa_free(&scanners[s].dfa);
        free(scanners[s].piece_matches);
    }
    corpus_free(&corpus);
    return 0;
}
