/* The whole way of one job: open a device, get a tenant, submit, wait, print, close.
 *
 *     cc hello.c $(pkg-config --cflags --libs rota) -o hello && ./hello
 */
#include <inttypes.h>
#include <rota/rota.h>
#include <stdio.h>
#include <stdlib.h>

static rota_error *error; /* written by a call that fails; the caller owns it */

static void must(rota_status status) {
    if (status == ROTA_STATUS_OK)
        return;
    fprintf(stderr, "hello: %s\n", error ? rota_error_message(error) : rota_status_text(status));
    rota_error_destroy(error);
    exit(1);
}

int main(void) {
    rota_runtime *runtime;
    rota_tenant *tenant;
    rota_ticket ticket;
    rota_completion answer;
    size_t accepted;

    must(rota_runtime_open(NULL, &runtime, &error)); /* NULL: the best device, every default */
    must(rota_tenant_create(runtime, NULL, &tenant, &error));

    /* NOP hands its first two arguments back: the shortest way to the kernel and back. */
    rota_job job = {.opcode = ROTA_OP_NOP, .tiles = 1, .args = {20, 22}, .user_data = 7};
    must(rota_submit(tenant, &job, 1, &ticket, &accepted, &error));
    must(rota_wait(tenant, ticket, ROTA_WAIT_ADAPTIVE, ROTA_FOREVER, &answer, &error));

    printf("job %" PRIu64 " came back: %u + %u, status %s\n", answer.user_data, answer.results[0],
           answer.results[1], rota_completion_status_name(answer.status));

    must(rota_runtime_destroy(runtime, &error)); /* takes its tenants with it */
    return 0;
}
