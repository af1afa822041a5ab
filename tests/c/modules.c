/* A tenant's own handlers: loaded, run, replaced and unloaded; each tenant's are its own, and the
 * runtime's are for those that they are granted to. */
#include "modules.h"

static char room[2048];

static void raises(rota_tenant *tenant, uint32_t opcode, uint32_t by, uint32_t lanes) {
    enum { WORDS = 1000 };
    static uint32_t words[WORDS];
    for (uint32_t i = 0; i < WORDS; i++)
        words[i] = 3 * i;
    rota_buffer buffer = create_buffer(tenant, sizeof words, 0);
    OK(rota_buffer_write(tenant, buffer, 0, words, sizeof words, &error));
    rota_job job = {.opcode = opcode, .tiles = (WORDS + lanes - 1) / lanes, .args = {buffer}};
    rota_completion done = run_one(tenant, job);
    EQUAL(done.status, ROTA_COMPLETION_OK);
    EQUAL(done.results[0], WORDS);
    EQUAL(done.module_version, 0); /* nobody asked for it */
    OK(rota_buffer_read(tenant, buffer, 0, words, sizeof words, &error));
    for (uint32_t i = 0; i < WORDS; i++)
        EQUAL(words[i], 3 * i + by);

    /* Faults end the job, and nothing else. */
    job.args[0] = buffer + 1;
    EQUAL(run_one(tenant, job).fault, ROTA_FAULT_INVALID_BUFFER);
    OK(rota_buffer_destroy(tenant, buffer, &error));
}

/* All that can be seen of one version. */
static void works(rota_tenant *tenant, uint32_t factor, uint32_t version, uint32_t lanes) {
    answers(tenant, ANSWER, factor, version);
    raises(tenant, RAISE, factor, lanes);
    EQUAL(run_one(tenant, scalar_job(REFUSE, 41)).fault, ROTA_FAULT_HANDLER + 41);
    rota_job endless = scalar_job(SPIN_ON, 0);
    endless.fuel = 700;
    rota_completion done = run_one(tenant, endless);
    EQUAL(done.fault, ROTA_FAULT_FUEL_EXHAUSTED);
    EQUAL(done.module_version, version);
    CHECK(done.fuel > 0 && done.fuel <= 700);
    still_works(tenant);
}

/* The tenant's default fuel holds where neither handler nor job say; then the handler's, then the
 * job's. */
static void spends(rota_tenant *tenant, uint32_t opcode, uint32_t asked, uint32_t wanted) {
    rota_job job = scalar_job(opcode, 0);
    job.fuel = asked;
    rota_completion done = run_one(tenant, job);
    EQUAL(done.fault, ROTA_FAULT_FUEL_EXHAUSTED);
    CHECK(done.fuel > wanted - 100 && done.fuel <= wanted);
}

static void of_a_tenant(rota_runtime *runtime, uint32_t lanes) {
    rota_tenant *tenant = create_tenant(runtime, 0), *other = NULL;
    rota_tenant_options narrow = ROTA_TENANT_OPTIONS_INIT;
    narrow.opcodes = 8;
    narrow.fuel = 500;
    OK(rota_tenant_create(runtime, &narrow, &other, &error));
    rota_handler handlers[HANDLERS + 1];
    all_handlers(handlers, 0);
    rota_module module = 0, others = 0;
    rota_module_report report = ROTA_MODULE_REPORT_INIT;

    has_none(tenant, ANSWER);
    rota_module_options options = module_of(source_with(7, room, sizeof room), handlers, HANDLERS);
    OK(rota_module_load(tenant, &options, &module, &report, &error));
    memset(room, '?', sizeof room); /* the library has its own copy */
    CHECK(module != 0);
    EQUAL(report.struct_size, sizeof report);
    EQUAL(report.version, 1);
    CHECK(report.verify_ns > 0 && report.compose_ns > 0 && report.compile_ns > 0);
    works(tenant, 7, 1, lanes);
    has_none(other, ANSWER);

    /* Another tenant's handlers may have the same opcodes. No report is wanted this time. */
    handlers[HANDLERS] = handler(ANSWER + 7, ROTA_HANDLER_SCALAR, "spin_on");
    handlers[HANDLERS].fuel = 1500;
    options = module_of(source_with(9, room, sizeof room), handlers, HANDLERS + 1);
    OK(rota_module_load(other, &options, &others, NULL, &error));
    answers(other, ANSWER, 9, 1);
    spends(other, SPIN_ON, 0, 500);
    spends(other, ANSWER + 7, 0, 1500);
    spends(other, ANSWER + 7, 2500, 2500);
    answers(tenant, ANSWER, 7, 1);

    /* Handlers are told apart by opcode: their order may be another one. */
    rota_handler first = handlers[0];
    handlers[0] = handlers[3];
    handlers[3] = first;
    options = module_of(source_with(11, room, sizeof room), handlers, HANDLERS);
    OK(rota_module_replace(tenant, module, &options, &report, &error));
    EQUAL(report.version, 2);
    works(tenant, 11, 2, lanes);
    answers(other, ANSWER, 9, 1);

    OK(rota_module_unload(tenant, module, ROTA_FOREVER, &error));
    has_none(tenant, ANSWER);
    answers(other, ANSWER, 9, 1);

    /* The opcodes are free again, and the version starts anew. */
    OK(rota_module_load(tenant, &options, &module, &report, &error));
    EQUAL(report.version, 1);
    answers(tenant, ANSWER, 11, 1);

    /* A tenant takes its modules along. */
    OK(rota_tenant_destroy(tenant, &error));
    answers(other, ANSWER, 9, 1);
    OK(rota_tenant_destroy(other, &error));
}

static void of_the_runtime(rota_runtime *runtime) {
    rota_tenant *one = create_tenant(runtime, 0), *two = create_tenant(runtime, 0);
    rota_tenant *third = create_tenant(runtime, 0);
    rota_handler handlers[HANDLERS];
    all_handlers(handlers, 100);
    rota_module module = 0;
    rota_module_report report = ROTA_MODULE_REPORT_INIT;
    rota_module_options options = module_of(source_with(3, room, sizeof room), handlers, HANDLERS);
    OK(rota_runtime_module_load(runtime, &options, &module, &report, &error));
    CHECK(module != 0);
    EQUAL(report.version, 1);
    has_none(one, ANSWER + 100);

    OK(rota_runtime_module_grant(runtime, module, one, &error));
    OK(rota_runtime_module_grant(runtime, module, two, &error));
    answers(one, ANSWER + 100, 3, 1);
    answers(two, ANSWER + 100, 3, 1);
    has_none(third, ANSWER + 100);

    options = module_of(source_with(5, room, sizeof room), handlers, HANDLERS);
    OK(rota_runtime_module_replace(runtime, module, &options, &report, &error));
    EQUAL(report.version, 2);
    answers(one, ANSWER + 100, 5, 2);
    answers(two, ANSWER + 100, 5, 2);

    /* The grant ends with the tenant, and the module stays. */
    OK(rota_tenant_destroy(one, &error));
    answers(two, ANSWER + 100, 5, 2);
    OK(rota_runtime_module_grant(runtime, module, third, &error));
    answers(third, ANSWER + 100, 5, 2);

    OK(rota_runtime_module_unload(runtime, module, ROTA_FOREVER, &error));
    has_none(two, ANSWER + 100);
    has_none(third, ANSWER + 100);
    still_works(two);
}

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_runtime_info info = ROTA_RUNTIME_INFO_INIT;
    OK(rota_runtime_get_info(runtime, &info, &error));
    of_a_tenant(runtime, info.subgroup_size);
    of_the_runtime(runtime);
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
