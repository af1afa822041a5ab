/* What the Go files see of C: rota.h, and a few functions that spare a call between the two
 * languages, which costs about as much as handing over a job. */
#ifndef ROTA_GO_SHIM_H
#define ROTA_GO_SHIM_H

#ifdef ROTA_GO_BUNDLED
#include "rota.h"
#else
#include <rota/rota.h>
#endif

typedef struct {
    rota_status submitted;
    rota_status polled;
    size_t accepted;
    size_t count;
    rota_error *submit_error;
    rota_error *poll_error;
} rota_go_exchanged;

/* rota_submit, or rota_submit_traced where there are contexts. */
static inline rota_status rota_go_submit(rota_tenant *tenant, const rota_job *jobs,
                                         const rota_trace_context *contexts, size_t n,
                                         rota_ticket *tickets, size_t *accepted,
                                         rota_error **error) {
    return contexts == NULL
               ? rota_submit(tenant, jobs, n, tickets, accepted, error)
               : rota_submit_traced(tenant, jobs, contexts, n, tickets, accepted, error);
}

/* Submits n jobs, if any, and polls for completions. A refused job leaves out the poll: the caller
 * has to look at it first, and there may be nothing to wait for. Only where a quota of slots
 * refused it, the completions that are there are taken, which may hold some, and it is tried again
 * by itself, also where somebody else has just taken them: the error is then about one job, which
 * is all that a call of Do has asked for. */
static inline rota_go_exchanged rota_go_exchange(rota_tenant *tenant, const rota_job *jobs,
                                                 const rota_trace_context *contexts, size_t n,
                                                 rota_ticket *tickets, rota_completion *done,
                                                 size_t cap, uint32_t wait, uint64_t timeout_ns) {
    rota_go_exchanged out = {ROTA_STATUS_OK, ROTA_STATUS_TIMEOUT, 0, 0, NULL, NULL};
    if (n > 0)
        out.submitted =
            rota_go_submit(tenant, jobs, contexts, n, tickets, &out.accepted, &out.submit_error);
    if (out.submitted == ROTA_STATUS_OK || out.submitted == ROTA_STATUS_WOULD_BLOCK)
        out.polled = rota_poll(tenant, done, cap, wait, timeout_ns, &out.count, &out.poll_error);
    if (out.submitted == ROTA_STATUS_QUOTA_EXCEEDED &&
        rota_error_resource(out.submit_error) == ROTA_RESOURCE_SLOTS) {
        size_t before = out.accepted;
        out.polled = rota_poll(tenant, done, cap, wait, 0, &out.count, &out.poll_error);
        rota_error_destroy(out.submit_error);
        out.submitted =
            rota_go_submit(tenant, jobs + before, contexts == NULL ? NULL : contexts + before, 1,
                           tickets + before, &out.accepted, &out.submit_error);
        out.accepted += before;
    }
    return out;
}

/* The ROTA_..._INIT macros, which Go can't see. */
static inline rota_runtime_options rota_go_runtime_options(void) {
    rota_runtime_options options = ROTA_RUNTIME_OPTIONS_INIT;
    return options;
}

static inline rota_tenant_options rota_go_tenant_options(void) {
    rota_tenant_options options = ROTA_TENANT_OPTIONS_INIT;
    return options;
}

static inline rota_quota rota_go_quota(void) {
    rota_quota quota = ROTA_QUOTA_INIT;
    return quota;
}

static inline rota_tenant_counters rota_go_tenant_counters(void) {
    rota_tenant_counters counters = ROTA_TENANT_COUNTERS_INIT;
    return counters;
}

static inline rota_module_options rota_go_module_options(void) {
    rota_module_options options = ROTA_MODULE_OPTIONS_INIT;
    return options;
}

static inline rota_module_report rota_go_module_report(void) {
    rota_module_report report = ROTA_MODULE_REPORT_INIT;
    return report;
}

static inline rota_runtime_info rota_go_runtime_info(void) {
    rota_runtime_info info = ROTA_RUNTIME_INFO_INIT;
    return info;
}

static inline rota_device_info rota_go_device_info(void) {
    rota_device_info info = ROTA_DEVICE_INFO_INIT;
    return info;
}

static inline rota_metrics rota_go_metrics(void) {
    rota_metrics metrics = ROTA_METRICS_INIT;
    return metrics;
}

static inline rota_tenant_metrics rota_go_tenant_metrics(void) {
    rota_tenant_metrics metrics = ROTA_TENANT_METRICS_INIT;
    return metrics;
}

static inline rota_outputs_stats rota_go_outputs_stats(void) {
    rota_outputs_stats stats = ROTA_OUTPUTS_STATS_INIT;
    return stats;
}

static inline rota_recorder_options rota_go_recorder_options(void) {
    rota_recorder_options options = ROTA_RECORDER_OPTIONS_INIT;
    return options;
}

static inline rota_recorder_state rota_go_recorder_state(void) {
    rota_recorder_state state = ROTA_RECORDER_STATE_INIT;
    return state;
}

static inline rota_span_options rota_go_span_options(void) {
    rota_span_options options = ROTA_SPAN_OPTIONS_INIT;
    return options;
}

static inline rota_span_stats rota_go_span_stats(void) {
    rota_span_stats stats = ROTA_SPAN_STATS_INIT;
    return stats;
}

static inline rota_recording_info rota_go_recording_info(void) {
    rota_recording_info info = ROTA_RECORDING_INFO_INIT;
    return info;
}

static inline rota_replay_options rota_go_replay_options(void) {
    rota_replay_options options = ROTA_REPLAY_OPTIONS_INIT;
    return options;
}

static inline rota_replay_report rota_go_replay_report(void) {
    rota_replay_report report = ROTA_REPLAY_REPORT_INIT;
    return report;
}

typedef struct {
    rota_status status;
    rota_error *error;
    rota_record record;
} rota_go_read;

/* rota_recording_next, whose record Go would have to allocate if it handed out a pointer to it. */
static inline rota_go_read rota_go_next(rota_recording *recording) {
    rota_go_read out = {ROTA_STATUS_OK, NULL, ROTA_RECORD_INIT};
    out.status = rota_recording_next(recording, &out.record, &out.error);
    return out;
}

/* rota_replay_run with a function that hands progress to rotaGoProgress in replay.go; to nobody if
 * hears is 0. */
rota_status rota_go_replay_run(rota_replay_options *options, uintptr_t hears, rota_replay **replay,
                               rota_error **error);

typedef struct {
    rota_status status;
    rota_error *error;
    size_t tenants_needed;
    size_t handlers_needed;
    size_t values_needed;
} rota_go_snapshotted;

/* rota_metrics_snapshot, to which Go couldn't hand its arrays inside a struct. Less room than there
 * is to tell is no error: the needs say so. */
static inline rota_go_snapshotted rota_go_snapshot(rota_runtime *runtime,
                                                   rota_tenant_metrics *tenants, size_t tenants_cap,
                                                   rota_handler_metrics *handlers,
                                                   size_t handlers_cap, rota_metrics_value *values,
                                                   size_t values_cap, rota_metrics *all) {
    rota_snapshot snapshot = ROTA_SNAPSHOT_INIT;
    rota_go_snapshotted out = {ROTA_STATUS_OK, NULL, 0, 0, 0};
    if (tenants_cap > 0)
        tenants->struct_size = sizeof *tenants;
    if (handlers_cap > 0)
        handlers->struct_size = sizeof *handlers;
    if (values_cap > 0)
        values->struct_size = sizeof *values;
    all->struct_size = sizeof *all;
    snapshot.tenants = tenants;
    snapshot.tenants_cap = tenants_cap;
    snapshot.handlers = handlers;
    snapshot.handlers_cap = handlers_cap;
    snapshot.values = values;
    snapshot.values_cap = values_cap;
    snapshot.runtime = all;
    out.status = rota_metrics_snapshot(runtime, &snapshot, &out.error);
    out.tenants_needed = snapshot.tenants_needed;
    out.handlers_needed = snapshot.handlers_needed;
    out.values_needed = snapshot.values_needed;
    return out;
}

/* rota_metrics_provider_add with a function that asks rotaGoProvide in metrics.go. */
rota_status rota_go_provider_add(rota_runtime *runtime, uintptr_t asks, uint64_t *provider,
                                 rota_error **error);

/* rota_log_set with a function that hands each message to rotaGoLog in log.go. */
rota_status rota_go_log_set(uint32_t level, rota_error **error);

#endif
