/* ROTA_JOB_AFTER_OK: a job runs only if the one just before it ended OK; else it is SKIPPED, and so
 * are its AFTER_OK successors, up to the first job without the flag. */
#include "setup.h"

enum { JOBS = 8, TROUBLE = 2 };

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0);
    rota_buffer buffer = create_buffer(tenant, 64, 0);

    for (int round = 0; round < 50; round++) {
        OK(rota_buffer_fill(tenant, buffer, 0, 64, 0, &error));
        rota_job jobs[JOBS];
        rota_ticket tickets[JOBS];
        size_t accepted;
        for (uint32_t i = 0; i < JOBS; i++) /* job i writes i + 1 into word i */
            jobs[i] = (rota_job){.opcode = ROTA_OP_FILL,
                                 .flags = ROTA_JOB_AFTER_OK,
                                 .tiles = 1,
                                 .args = {buffer, i, 1, i + 1}};
        jobs[0].flags = 0;
        jobs[TROUBLE].args[1] = 1000; /* past the end */
        jobs[6].flags = 0;
        OK(rota_submit(tenant, jobs, JOBS, tickets, &accepted, &error));
        EQUAL(accepted, JOBS);

        const uint32_t wanted[JOBS] = {ROTA_COMPLETION_OK,      ROTA_COMPLETION_OK,
                                       ROTA_COMPLETION_FAULTED, ROTA_COMPLETION_SKIPPED,
                                       ROTA_COMPLETION_SKIPPED, ROTA_COMPLETION_SKIPPED,
                                       ROTA_COMPLETION_OK,      ROTA_COMPLETION_OK};
        for (size_t i = 0; i < JOBS; i++)
            EQUAL(wait_for(tenant, tickets[i]).status, wanted[i]);
        uint32_t words[JOBS];
        OK(rota_buffer_read(tenant, buffer, 0, words, sizeof words, &error));
        for (size_t i = 0; i < JOBS; i++)
            EQUAL(words[i], wanted[i] == ROTA_COMPLETION_OK ? i + 1 : 0);
    }
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
