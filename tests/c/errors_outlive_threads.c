/* An error object belongs to the caller: it outlives the thread that got it, the objects it speaks
 * of and later errors, and says what it said. */
#include "setup.h"

#include <pthread.h>

enum { THREADS = 8 };

static void *fail(void *argument) {
    rota_tenant *tenant = argument;
    rota_error *mine = NULL;
    rota_job job = nop(1, 2);
    job.opcode = 0x1fff;
    size_t accepted;
    CHECK(rota_submit(tenant, &job, 1, NULL, &accepted, &mine) == ROTA_STATUS_INVALID_OPCODE);
    return mine;
}

int main(void) {
    rota_runtime *runtime = open_runtime();
    rota_tenant *tenant = create_tenant(runtime, 0);
    pthread_t threads[THREADS];
    rota_error *errors[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, fail, tenant) == 0);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        CHECK(pthread_join(threads[i], &result) == 0);
        errors[i] = result;
        CHECK(errors[i] != NULL);
    }
    OK(rota_runtime_destroy(runtime, &error));

    for (int i = 0; i < THREADS; i++) {
        for (int j = 0; j < i; j++)
            CHECK(errors[i] != errors[j]);
        EQUAL(rota_error_status(errors[i]), ROTA_STATUS_INVALID_OPCODE);
        CHECK(strstr(rota_error_message(errors[i]), "0x1fff") != NULL);
        EQUAL(rota_error_vk_result(errors[i]), 0);
        EQUAL(rota_error_retryable(errors[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        rota_error_destroy(errors[i]);

    /* Used after its end, or destroyed twice: told apart, as other handles are. */
    EQUAL(rota_error_status(errors[0]), ROTA_STATUS_INVALID_HANDLE);
    CHECK(rota_error_message(errors[0])[0] != 0);
    EQUAL(rota_error_vk_result(errors[0]), 0);
    rota_error_destroy(errors[0]);
    return 0;
}
