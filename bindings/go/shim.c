/* The log callback. Go can't export a function with a const argument, so a C function stands
 * between. */
#include "shim.h"

#include "_cgo_export.h"

static void forward(void *user, uint32_t level, const char *text, size_t len) {
    (void)user;
    rotaGoLog(level, (char *)text, len);
}

rota_status rota_go_log_set(uint32_t level, rota_error **error) {
    return rota_log_set(level == ROTA_LOG_OFF ? NULL : forward, NULL, level, error);
}
