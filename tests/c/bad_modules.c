/* Modules that can't be loaded, replaced, unloaded or granted: each is refused by name, and nothing
 * has changed. And what becomes of jobs whose module is unloaded under them. */
#include "modules.h"

#include <stddef.h>

static char room[2048];
static rota_runtime *runtime;
static rota_tenant *tenant, *other;
static rota_handler good[HANDLERS];
static rota_module loaded; /* the tenant's, with ANSWER times 7 */

/* A module at free opcodes, of which one thing is to be wrong. */
static rota_module_options fresh(rota_handler *handlers) {
    all_handlers(handlers, HANDLERS);
    return module_of(room, handlers, HANDLERS);
}

static void changed_nothing(void) {
    answers(tenant, ANSWER, 7, 1);
    has_none(tenant, ANSWER + HANDLERS);
    has_none(other, ANSWER);
}

/* Loading it for the tenant and for the runtime, and putting it in the place of one that is there,
 * all fail with that status, and say that text. */
static void all_refuse(const rota_module_options *options, rota_status status, const char *text) {
    rota_module module = 4711;
    rota_module_report report = ROTA_MODULE_REPORT_INIT;
    FAILS_SAYING(rota_module_load(tenant, options, &module, &report, &error), status, text);
    FAILS_SAYING(rota_runtime_module_load(runtime, options, &module, NULL, &error), status, text);
    FAILS_SAYING(rota_module_replace(tenant, loaded, options, &report, &error), status, text);
    EQUAL(module, 4711);
    EQUAL(report.version, 0);
}

static void null_pointers(void) {
    const rota_status null = ROTA_STATUS_NULL_POINTER;
    rota_handler handlers[HANDLERS];
    rota_module_options options = fresh(handlers);
    rota_module module = 4711;
    RETURNS(rota_module_load(NULL, &options, &module, NULL, &error), null);
    RETURNS(rota_runtime_module_load(NULL, &options, &module, NULL, &error), null);
    FAILS_SAYING(rota_module_load(tenant, NULL, &module, NULL, &error), null, "options");
    FAILS_SAYING(rota_module_load(tenant, &options, NULL, NULL, &error), null, "module");
    FAILS_SAYING(rota_runtime_module_load(runtime, NULL, &module, NULL, &error), null, "options");
    FAILS_SAYING(rota_runtime_module_load(runtime, &options, NULL, NULL, &error), null, "module");
    RETURNS(rota_module_replace(NULL, loaded, &options, NULL, &error), null);
    RETURNS(rota_module_replace(tenant, loaded, NULL, NULL, &error), null);
    RETURNS(rota_runtime_module_replace(NULL, loaded, &options, NULL, &error), null);
    RETURNS(rota_runtime_module_replace(runtime, loaded, NULL, NULL, &error), null);
    RETURNS(rota_module_unload(NULL, loaded, 0, &error), null);
    RETURNS(rota_runtime_module_unload(NULL, loaded, 0, &error), null);
    RETURNS(rota_runtime_module_grant(NULL, loaded, tenant, &error), null);
    RETURNS(rota_runtime_module_grant(runtime, loaded, NULL, &error), null);
    RETURNS(rota_module_load(NULL, NULL, NULL, NULL, NULL), null);

    /* Lengths of what isn't there. */
    options.source = NULL;
    all_refuse(&options, null, "source");
    options = fresh(handlers);
    options.label = NULL;
    all_refuse(&options, null, "label");
    options = fresh(handlers);
    options.handlers = NULL;
    all_refuse(&options, null, "handlers");
    options = fresh(handlers);
    handlers[2].function = NULL;
    all_refuse(&options, null, "function");
    EQUAL(module, 4711);
    changed_nothing();
}

static void sizes(void) {
    struct {
        rota_module_options known;
        unsigned char more[16];
    } later;
    rota_handler handlers[HANDLERS];
    memset(&later, 0, sizeof later);
    later.known = fresh(handlers);
    const size_t bad[] = {0, 4, sizeof(rota_module_options) + 4, SIZE_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        later.known.struct_size = bad[i];
        all_refuse(&later.known, ROTA_STATUS_INVALID_STRUCT_SIZE, "rota_module_options");
    }
    later.known.struct_size = sizeof later;
    later.more[3] = 1;
    all_refuse(&later.known, ROTA_STATUS_INVALID_STRUCT_SIZE, "rota_module_options");

    /* A caller that knows no handlers yet has none. */
    later.known.struct_size = offsetof(rota_module_options, handlers);
    all_refuse(&later.known, ROTA_STATUS_INVALID_ARGUMENT, "handler");

    rota_module_options options = fresh(handlers);
    rota_module module = 4711;
    rota_module_report report = ROTA_MODULE_REPORT_INIT;
    report.struct_size = 3;
    FAILS_SAYING(rota_module_load(tenant, &options, &module, &report, &error),
                 ROTA_STATUS_INVALID_STRUCT_SIZE, "rota_module_report");
    RETURNS(rota_runtime_module_load(runtime, &options, &module, &report, &error),
            ROTA_STATUS_INVALID_STRUCT_SIZE);
    RETURNS(rota_module_replace(tenant, loaded, &options, &report, &error),
            ROTA_STATUS_INVALID_STRUCT_SIZE);
    EQUAL(module, 4711);
    EQUAL(report.version, 0);
    changed_nothing();
}

static void handlers_that_can_not_be(void) {
    rota_handler handlers[65];
    rota_module_options options = fresh(handlers);
    options.handler_count = 0;
    all_refuse(&options, ROTA_STATUS_INVALID_ARGUMENT, "at least one");
    options.handlers = NULL;
    all_refuse(&options, ROTA_STATUS_INVALID_ARGUMENT, "at least one");

    options = fresh(handlers);
    for (uint32_t i = 0; i < 65; i++)
        handlers[i] = handler(ANSWER + HANDLERS + i, ROTA_HANDLER_SCALAR, "answer");
    options.handler_count = 65;
    all_refuse(&options, ROTA_STATUS_INVALID_ARGUMENT, "64");
    options.handler_count = SIZE_MAX / 2;
    all_refuse(&options, ROTA_STATUS_INVALID_ARGUMENT, "handlers");

    options = fresh(handlers);
    handlers[3].opcode = handlers[1].opcode;
    all_refuse(&options, ROTA_STATUS_OPCODE_TAKEN, "0x1005");

    options = fresh(handlers);
    handlers[1].kind = 2;
    all_refuse(&options, ROTA_STATUS_INVALID_ARGUMENT, "kind");
    options = fresh(handlers);
    handlers[2].reserved = 1;
    all_refuse(&options, ROTA_STATUS_INVALID_ARGUMENT, "reserved");
    options = fresh(handlers);
    handlers[0].function = "answ\xff";
    handlers[0].function_len = 5;
    all_refuse(&options, ROTA_STATUS_INVALID_ARGUMENT, "function");
    options = fresh(handlers);
    options.label = "a\0b";
    options.label_len = 3;
    all_refuse(&options, ROTA_STATUS_INVALID_ARGUMENT, "label");

    rota_runtime_info info = ROTA_RUNTIME_INFO_INIT;
    OK(rota_runtime_get_info(runtime, &info, &error));
    if (info.most_tile_fuel < UINT32_MAX) {
        options = fresh(handlers);
        handlers[1].fuel = info.most_tile_fuel + 1;
        all_refuse(&options, ROTA_STATUS_INVALID_ARGUMENT, "budget");
    }
    changed_nothing();
}

static void opcodes(void) {
    /* The tenant's window has 16 of them. */
    const uint32_t outside[] = {0,           ROTA_OP_NOP, 0xf01,           ROTA_FIRST_OPCODE - 1,
                                ANSWER + 16, 17,          ANSWER + 100000, UINT32_MAX};
    rota_module module = 4711;
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        rota_handler one = handler(outside[i], ROTA_HANDLER_SCALAR, "answer");
        rota_module_options options = module_of(room, &one, 1);
        FAILS_SAYING(rota_module_load(tenant, &options, &module, NULL, &error),
                     ROTA_STATUS_INVALID_OPCODE, "0x1000 to 0x100f");
        if (outside[i] < ROTA_FIRST_OPCODE || outside[i] > ROTA_FIRST_OPCODE + 0xffff)
            RETURNS(rota_runtime_module_load(runtime, &options, &module, NULL, &error),
                    ROTA_STATUS_INVALID_OPCODE);
    }
    rota_module_options options = module_of(room, good, HANDLERS);
    FAILS_SAYING(rota_module_load(tenant, &options, &module, NULL, &error),
                 ROTA_STATUS_OPCODE_TAKEN, "0x1000");
    EQUAL(module, 4711);

    /* In a module's place comes one with its opcodes and kinds. */
    rota_handler handlers[HANDLERS];
    all_handlers(handlers, 1);
    options = module_of(room, handlers, HANDLERS);
    FAILS_SAYING(rota_module_replace(tenant, loaded, &options, NULL, &error),
                 ROTA_STATUS_INVALID_ARGUMENT, "same opcodes");
    all_handlers(handlers, 0);
    options.handler_count = HANDLERS - 1;
    RETURNS(rota_module_replace(tenant, loaded, &options, NULL, &error),
            ROTA_STATUS_INVALID_ARGUMENT);
    options.handler_count = HANDLERS;
    handlers[0].kind = ROTA_HANDLER_TILED;
    RETURNS(rota_module_replace(tenant, loaded, &options, NULL, &error),
            ROTA_STATUS_INVALID_ARGUMENT);
    changed_nothing();
}

static void sources(void) {
    const rota_status invalid = ROTA_STATUS_INVALID_MODULE;
    static const char *const bad[][2] = {
        {"", "no function 'answer'"},
        {"fn answer(", "error: "},
        {"fn answer() { result(0u, x); }", "--> test.wgsl:1:26\n"},
        {"fn answer() -> u32 { return 1u; }", "no parameters and no result"},
        {"fn answer() { rota_slot = 1u; }", "rota_slot"},
        {"var<workgroup> w: u32; fn answer() { w = 1u; }", "scratch_load"},
        {"@group(0) @binding(0) var<storage> s: u32; fn answer() { result(0u, s); }", "bind"},
        {"@compute @workgroup_size(1) fn answer() {}", "entry point"},
        {"enable f16; fn answer() {}", "directives"},
        {"fn f() { g(); } fn g() { f(); } fn answer() { f(); }", "recurse"},
        {"fn answer() { barrier(); }", "barrier"},
        {"fn answer() { let b = Buffer(0u, 4u, 4u, 0u); store_u32(b, 0u, 1u); }", "by hand"},
        {"/* no end", "no end"},
    };
    rota_handler one = handler(ANSWER, ROTA_HANDLER_SCALAR, "answer");
    rota_module_options options;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        options = module_of(bad[i][0], &one, 1);
        rota_module module = 4711;
        one.opcode = ANSWER + HANDLERS;
        FAILS_SAYING(rota_module_load(tenant, &options, &module, NULL, &error), invalid, bad[i][1]);
        FAILS_SAYING(rota_runtime_module_load(runtime, &options, &module, NULL, &error), invalid,
                     bad[i][1]);
        EQUAL(module, 4711);
    }

    rota_handler handlers[HANDLERS];
    options = fresh(handlers);
    options.source = "fn answer() {} // \xc3\x28";
    options.source_len = strlen(options.source);
    all_refuse(&options, invalid, "UTF-8: byte 18");
    options.source = NULL;
    options.source_len = 0;
    rota_module module = 4711;
    RETURNS(rota_module_load(tenant, &options, &module, NULL, &error), invalid);
    options.source = "fn answer() {}\0fn raise() {}";
    options.source_len = 28;
    RETURNS(rota_module_load(tenant, &options, &module, NULL, &error), invalid);

    /* Sizes that a parser would choke on. */
    const size_t large = 10 << 20;
    char *text = malloc(large + 1);
    CHECK(text);
    static const char *const repeated[] = {" ", "(", "{", "/*", "x", "1+", "fn answer() {}\n"};
    for (size_t i = 0; i < sizeof repeated / sizeof *repeated; i++) {
        size_t step = strlen(repeated[i]);
        for (size_t at = 0; at + step <= large; at += step)
            memcpy(text + at, repeated[i], step);
        options = fresh(handlers);
        options.source = text;
        options.source_len = large - large % step;
        FAILS_SAYING(rota_module_load(tenant, &options, &module, NULL, &error), invalid,
                     "at most 262144");
        options.source_len = 200 << 10;
        RETURNS(rota_module_load(tenant, &options, &module, NULL, &error), invalid);
    }
    free(text);
    EQUAL(module, 4711);

    /* A function that isn't there: the message names those that are. */
    options = fresh(handlers);
    handlers[0] = handler(ANSWER + HANDLERS, ROTA_HANDLER_SCALAR, "question");
    FAILS_SAYING(rota_module_load(tenant, &options, &module, NULL, &error), invalid,
                 "answer, raise, refuse, spin_on");
    handlers[0] = handler(ANSWER + HANDLERS, ROTA_HANDLER_SCALAR, "");
    RETURNS(rota_module_load(tenant, &options, &module, NULL, &error), invalid);
    handlers[0] = handler(ANSWER + HANDLERS, ROTA_HANDLER_SCALAR, "load_u32");
    RETURNS(rota_module_load(tenant, &options, &module, NULL, &error), invalid);
    changed_nothing();
}

/* Modules that are somebody else's, or nobody's. */
static void names(void) {
    const rota_status handle = ROTA_STATUS_INVALID_HANDLE;
    rota_module_options options = module_of(room, good, HANDLERS);
    rota_handler handlers[HANDLERS];
    all_handlers(handlers, 8);
    rota_module_options of_runtime = module_of(room, handlers, HANDLERS);
    rota_module shared = 0;
    OK(rota_runtime_module_load(runtime, &of_runtime, &shared, NULL, &error));
    CHECK(shared != 0 && shared != loaded);

    const rota_module nobodys[] = {0, loaded + 1, loaded + 2, loaded + 0x10000, UINT32_MAX};
    for (size_t i = 0; i < sizeof nobodys / sizeof *nobodys; i++) {
        if (nobodys[i] == shared)
            continue;
        FAILS_SAYING(rota_module_unload(tenant, nobodys[i], 0, &error), handle, "module 0x");
        RETURNS(rota_module_replace(tenant, nobodys[i], &options, NULL, &error), handle);
        RETURNS(rota_runtime_module_unload(runtime, nobodys[i], 0, &error), handle);
        RETURNS(rota_runtime_module_replace(runtime, nobodys[i], &options, NULL, &error), handle);
        RETURNS(rota_runtime_module_grant(runtime, nobodys[i], tenant, &error), handle);
    }
    RETURNS(rota_module_unload(other, loaded, 0, &error), handle);
    RETURNS(rota_module_replace(other, loaded, &options, NULL, &error), handle);
    RETURNS(rota_runtime_module_unload(runtime, loaded, 0, &error), handle);
    RETURNS(rota_runtime_module_replace(runtime, loaded, &options, NULL, &error), handle);
    RETURNS(rota_runtime_module_grant(runtime, loaded, other, &error), handle);
    OK(rota_runtime_module_grant(runtime, shared, tenant, &error));
    RETURNS(rota_module_unload(tenant, shared, 0, &error), handle);
    RETURNS(rota_module_replace(tenant, shared, &of_runtime, NULL, &error), handle);
    FAILS_SAYING(rota_runtime_module_grant(runtime, shared, tenant, &error),
                 ROTA_STATUS_OPCODE_TAKEN, "0x1008");
    answers(tenant, ANSWER + 8, 7, 1);
    changed_nothing();

    /* A tenant whose window has no room for it, one of another runtime, and one that is gone. */
    rota_tenant_options small = ROTA_TENANT_OPTIONS_INIT;
    small.opcodes = 4;
    rota_tenant *narrow = NULL;
    OK(rota_tenant_create(runtime, &small, &narrow, &error));
    RETURNS(rota_runtime_module_grant(runtime, shared, narrow, &error), ROTA_STATUS_INVALID_OPCODE);
    OK(rota_tenant_destroy(narrow, &error));
    RETURNS(rota_runtime_module_grant(runtime, shared, narrow, &error), handle);
    RETURNS(rota_module_load(narrow, &options, &shared, NULL, &error), handle);
    rota_runtime *second = open_runtime();
    rota_tenant *foreign = create_tenant(second, 0);
    RETURNS(rota_runtime_module_grant(runtime, shared, foreign, &error),
            ROTA_STATUS_INVALID_ARGUMENT);
    RETURNS(rota_module_unload(foreign, loaded, 0, &error), handle);
    OK(rota_runtime_destroy(second, &error));

    OK(rota_runtime_module_unload(runtime, shared, 0, &error));
    RETURNS(rota_runtime_module_unload(runtime, shared, 0, &error), handle);
    RETURNS(rota_runtime_module_grant(runtime, shared, other, &error), handle);
    has_none(tenant, ANSWER + 8);
    answers(tenant, ANSWER, 7, 1);
}

/* Jobs in flight: with time they finish; without, those that have not begun fault. */
static void unloaded_under_jobs(void) {
    enum { SLOW_TILES = 20000, MOST_TRIES = 50 };
    rota_buffer buffer = create_buffer(tenant, 1024, 0);
    rota_module_options options = module_of(room, good, HANDLERS);
    rota_job jobs[2] = {
        {.opcode = ROTA_OP_FILL, .tiles = SLOW_TILES, .args = {buffer, 0, 64, 1}},
        {.opcode = ANSWER, .flags = ROTA_JOB_BARRIER, .tiles = 1, .args = {2}},
    };
    rota_ticket tickets[2];
    size_t accepted;
    int faulted = 0;
    for (int i = 0; i < MOST_TRIES && !faulted; i++) {
        int waits = i == 0;
        OK(rota_submit(tenant, jobs, 2, tickets, &accepted, &error));
        EQUAL(accepted, 2);
        OK(rota_module_unload(tenant, loaded, waits ? ROTA_FOREVER : 0, &error));
        has_none(tenant, ANSWER);
        EQUAL(wait_for(tenant, tickets[0]).status, ROTA_COMPLETION_OK);
        rota_completion done = wait_for(tenant, tickets[1]);
        if (waits || done.status == ROTA_COMPLETION_OK) { /* or the unload came too late */
            EQUAL(done.status, ROTA_COMPLETION_OK);
            EQUAL(done.results[0], 14);
        } else {
            EQUAL(done.status, ROTA_COMPLETION_FAULTED);
            EQUAL(done.fault, ROTA_FAULT_HANDLER_UNLOADED);
            EQUAL(done.results[0], 0);
            faulted = 1;
        }
        rota_module stale = loaded;
        RETURNS(rota_module_unload(tenant, stale, 0, &error), ROTA_STATUS_INVALID_HANDLE);
        OK(rota_module_load(tenant, &options, &loaded, NULL, &error));
        CHECK(loaded != stale); /* in its place, and yet another one */
        RETURNS(rota_module_unload(tenant, stale, 0, &error), ROTA_STATUS_INVALID_HANDLE);
    }
    CHECK(faulted);
    answers(tenant, ANSWER, 7, 1);
    OK(rota_buffer_destroy(tenant, buffer, &error));
}

static void after_the_stop(void) {
    rota_handler handlers[HANDLERS];
    rota_module_options options = fresh(handlers);
    rota_module_options in_place = module_of(room, good, HANDLERS);
    rota_module module = 4711;
    OK(rota_runtime_stop(runtime, &error));
    const rota_status stopped = ROTA_STATUS_STOPPED;
    RETURNS(rota_module_load(tenant, &options, &module, NULL, &error), stopped);
    RETURNS(rota_module_replace(tenant, loaded, &in_place, NULL, &error), stopped);
    RETURNS(rota_runtime_module_load(runtime, &options, &module, NULL, &error), stopped);
    EQUAL(module, 4711);
    RETURNS(rota_module_unload(tenant, loaded, ROTA_FOREVER, &error), stopped);
    RETURNS(rota_runtime_module_unload(runtime, loaded, ROTA_FOREVER, &error), stopped);
    RETURNS(rota_runtime_module_grant(runtime, loaded, tenant, &error), stopped);
}

int main(void) {
    runtime = open_runtime();
    rota_tenant_options options = ROTA_TENANT_OPTIONS_INIT;
    options.opcodes = 16;
    OK(rota_tenant_create(runtime, &options, &tenant, &error));
    other = create_tenant(runtime, 0);
    all_handlers(good, 0);
    rota_module_options module = module_of(source_with(7, room, sizeof room), good, HANDLERS);
    OK(rota_module_load(tenant, &module, &loaded, NULL, &error));

    null_pointers();
    sizes();
    handlers_that_can_not_be();
    opcodes();
    sources();
    names();
    unloaded_under_jobs();
    after_the_stop();
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
