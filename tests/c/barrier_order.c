/* ROTA_JOB_BARRIER: a job starts after all earlier ones of its tenant have completed. A chain of
 * copies through one buffer comes out right only in that order, and epochs show it. */
#include "setup.h"

enum { WORDS = 64 << 10, LINKS = 24 };

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0);
    rota_buffer buffers[2] = {create_buffer(tenant, WORDS * 4, 0),
                              create_buffer(tenant, WORDS * 4, 0)};
    const uint32_t tiles = rota_tiles(ROTA_OP_FILL, WORDS);

    for (uint32_t round = 1; round <= 10; round++) {
        rota_job jobs[LINKS];
        rota_ticket tickets[LINKS];
        size_t accepted;
        jobs[0] = (rota_job){.opcode = ROTA_OP_FILL,
                             .flags = ROTA_JOB_BARRIER,
                             .tiles = tiles,
                             .args = {buffers[0], 0, WORDS, round}};
        for (uint32_t i = 1; i < LINKS; i++)
            jobs[i] = (rota_job){.opcode = ROTA_OP_COPY,
                                 .flags = ROTA_JOB_BARRIER | ROTA_JOB_TIMING,
                                 .tiles = tiles,
                                 .args = {buffers[(i + 1) % 2], 0, buffers[i % 2], 0, WORDS}};
        OK(rota_submit(tenant, jobs, LINKS, tickets, &accepted, &error));
        EQUAL(accepted, LINKS);

        uint64_t last_end = 0;
        for (size_t i = 0; i < LINKS; i++) {
            rota_completion done = wait_for(tenant, tickets[i]);
            EQUAL(done.status, ROTA_COMPLETION_OK);
            if (i == 0)
                continue;
            CHECK(done.begin_epoch <= done.end_epoch);
            CHECK(last_end == 0 || done.begin_epoch > last_end);
            last_end = done.end_epoch;
        }
        static uint32_t words[WORDS];
        OK(rota_buffer_read(tenant, buffers[(LINKS - 1) % 2], 0, words, sizeof words, &error));
        for (size_t i = 0; i < WORDS; i++)
            EQUAL(words[i], round);
    }
    OK(rota_runtime_destroy(runtime, &error));
    return 0;
}
