/* What every consumer project builds: a program that finds header and library, compares their
   versions, and has one job done by the kernel. It says what it saw, and exits 0 only if all of it
   was right. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rota/rota.h>

static int failed(const char *what, rota_status status, rota_error *error) {
    fprintf(stderr, "%s: %s: %s\n", what, rota_status_name(status),
            error ? rota_error_message(error) : "");
    rota_error_destroy(error);
    return 1;
}

int main(void) {
    uint32_t version = rota_version();
    char text[32];
    snprintf(text, sizeof text, "%u.%u.%u", version >> 16, version >> 8 & 0xff, version & 0xff);
    if (strcmp(text, EXPECTED_VERSION) != 0 || strcmp(rota_version_text(), text) != 0) {
        fprintf(stderr, "version %s (%s), expected %s\n", text, rota_version_text(),
                EXPECTED_VERSION);
        return 1;
    }
    if (strcmp(rota_status_name(ROTA_STATUS_WOULD_BLOCK), "ROTA_STATUS_WOULD_BLOCK") != 0) {
        fprintf(stderr, "status 1 is called %s\n", rota_status_name(ROTA_STATUS_WOULD_BLOCK));
        return 1;
    }

    rota_runtime *runtime = NULL;
    rota_tenant *tenant = NULL;
    rota_error *error = NULL;
    rota_status status = rota_runtime_open(NULL, &runtime, &error);
    if (status != ROTA_STATUS_OK)
        return failed("rota_runtime_open", status, error);
    status = rota_tenant_create(runtime, NULL, &tenant, &error);
    if (status != ROTA_STATUS_OK)
        return failed("rota_tenant_create", status, error);

    rota_job job = {.opcode = ROTA_OP_NOP, .tiles = 1, .args = {7, 9}, .user_data = 42};
    rota_ticket ticket = 0;
    size_t accepted = 0;
    status = rota_submit(tenant, &job, 1, &ticket, &accepted, &error);
    if (status != ROTA_STATUS_OK)
        return failed("rota_submit", status, error);

    rota_completion done;
    const uint64_t ten_seconds = UINT64_C(10000000000);
    status = rota_wait(tenant, ticket, ROTA_WAIT_ADAPTIVE, ten_seconds, &done, &error);
    if (status != ROTA_STATUS_OK)
        return failed("rota_wait", status, error);
    if (done.status != ROTA_COMPLETION_OK || done.results[0] != 7 || done.results[1] != 9 ||
        done.user_data != 42) {
        fprintf(stderr,
                "the completion is wrong: status %" PRIu32 ", results %" PRIu32 " %" PRIu32 "\n",
                done.status, done.results[0], done.results[1]);
        return 1;
    }
    status = rota_runtime_destroy(runtime, &error);
    if (status != ROTA_STATUS_OK)
        return failed("rota_runtime_destroy", status, error);
    printf("Rota %s: one job done\n", text);
    return 0;
}
