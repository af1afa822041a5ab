/* What the programs about modules share: a source with a version in it, and its handlers. */
#ifndef MODULES_H
#define MODULES_H

#include "setup.h"

enum { ANSWER = ROTA_FIRST_OPCODE, RAISE, REFUSE, SPIN_ON, HANDLERS = 4 };

/* ANSWER gives its argument times `factor`. RAISE adds `factor` to each word of a buffer, and
 * counts them. REFUSE fails with a code of its own. SPIN_ON never ends by itself. */
static inline const char *source_with(uint32_t factor, char *room, size_t bytes) {
    const char *text = "const FACTOR = %uu;\n"
                       "fn answer() { result(0u, arg(0u) * FACTOR); result(1u, FACTOR); }\n"
                       "fn raise() {\n"
                       "    let b = buffer_mut(arg(0u));\n"
                       "    let i = tile() * lanes() + lane();\n"
                       "    let mine = i < size(b) / 4u;\n"
                       "    if (mine) {\n"
                       "        store_u32(b, i, load_u32(b, i) + FACTOR);\n"
                       "    }\n"
                       "    result_add(0u, u32(mine));\n"
                       "}\n"
                       "fn refuse() { fail(arg(0u)); }\n"
                       "fn spin_on() { loop {} }\n";
    int length = snprintf(room, bytes, text, factor);
    CHECK(length > 0 && (size_t)length < bytes);
    return room;
}

static inline rota_handler handler(uint32_t opcode, uint32_t kind, const char *function) {
    rota_handler it = {.opcode = opcode, .kind = kind};
    it.function = function;
    it.function_len = strlen(function);
    return it;
}

/* The four handlers at ANSWER and behind it, moved by `by`. */
static inline void all_handlers(rota_handler handlers[HANDLERS], uint32_t by) {
    handlers[0] = handler(ANSWER + by, ROTA_HANDLER_SCALAR, "answer");
    handlers[1] = handler(RAISE + by, ROTA_HANDLER_TILED, "raise");
    handlers[2] = handler(REFUSE + by, ROTA_HANDLER_SCALAR, "refuse");
    handlers[3] = handler(SPIN_ON + by, ROTA_HANDLER_SCALAR, "spin_on");
}

static inline rota_module_options module_of(const char *source, const rota_handler *handlers,
                                            size_t count) {
    rota_module_options options = ROTA_MODULE_OPTIONS_INIT;
    options.label = "test.wgsl";
    options.label_len = strlen(options.label);
    options.source = source;
    options.source_len = strlen(source);
    options.handlers = handlers;
    options.handler_count = count;
    return options;
}

static inline rota_job scalar_job(uint32_t opcode, uint32_t argument) {
    return (rota_job){.opcode = opcode, .flags = ROTA_JOB_TIMING, .tiles = 1, .args = {argument}};
}

/* ANSWER at that opcode multiplies by `factor`, and the completion names the version. */
static inline void answers(rota_tenant *tenant, uint32_t opcode, uint32_t factor,
                           uint32_t version) {
    rota_completion done = run_one(tenant, scalar_job(opcode, 6));
    EQUAL(done.status, ROTA_COMPLETION_OK);
    EQUAL(done.results[0], 6 * factor);
    EQUAL(done.results[1], factor);
    EQUAL(done.module_version, version);
}

/* No handler of the tenant has that opcode. */
static inline void has_none(rota_tenant *tenant, uint32_t opcode) {
    rota_job job = scalar_job(opcode, 6);
    size_t accepted = 99;
    FAILS_SAYING(rota_submit(tenant, &job, 1, NULL, &accepted, &error), ROTA_STATUS_INVALID_OPCODE,
                 "0x1");
    EQUAL(accepted, 0);
}

#endif
