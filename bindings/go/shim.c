/* The callbacks. Go can't export a function with a const argument, and C must not keep its
 * pointers, so C functions stand between. */
#include "shim.h"

#include "_cgo_export.h"

static void forward(void *user, uint32_t level, const char *text, size_t len) {
    (void)user;
    rotaGoLog(level, (char *)text, len);
}

rota_status rota_go_log_set(uint32_t level, rota_error **error) {
    return rota_log_set(level == ROTA_LOG_OFF ? NULL : forward, NULL, level, error);
}

static void progress(void *user, uint64_t done, uint64_t all) {
    rotaGoProgress((uintptr_t)user, done, all);
}

rota_status rota_go_replay_run(rota_replay_options *options, uintptr_t hears, rota_replay **replay,
                               rota_error **error) {
    if (hears != 0) {
        options->progress = progress;
        options->user = (void *)hears;
    }
    return rota_replay_run(options, replay, error);
}

static void provide(void *user, rota_metrics_sink *sink) { rotaGoProvide((uintptr_t)user, sink); }

rota_status rota_go_provider_add(rota_runtime *runtime, uintptr_t asks, uint64_t *provider,
                                 rota_error **error) {
    return rota_metrics_provider_add(runtime, provide, (void *)asks, provider, error);
}
