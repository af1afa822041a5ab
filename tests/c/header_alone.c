/* The header stands alone: C99 and later, C++98 and later, no warnings, and each INIT macro and
 * struct is usable. Only compiled; the same text is C and C++. */
#include <rota/rota.h>

int header_alone(void);

int header_alone(void) {
    rota_runtime_options runtime_options = ROTA_RUNTIME_OPTIONS_INIT;
    rota_runtime_info runtime_info = ROTA_RUNTIME_INFO_INIT;
    rota_tenant_options tenant_options = ROTA_TENANT_OPTIONS_INIT;
    rota_device_info device_info = ROTA_DEVICE_INFO_INIT;
    rota_outputs_stats outputs_stats = ROTA_OUTPUTS_STATS_INIT;
    rota_job job = ROTA_JOB_INIT;
    rota_completion completion;
    rota_read read;
    rota_ticket ticket = 0;
    rota_buffer buffer = 0;
    rota_status status = ROTA_STATUS_OK;
    uint64_t forever = ROTA_FOREVER;
    completion.status = ROTA_COMPLETION_OK;
    read.buffer = buffer;
    return runtime_options.struct_size == sizeof(rota_runtime_options) &&
           runtime_info.struct_size == sizeof(rota_runtime_info) &&
           tenant_options.struct_size == sizeof(rota_tenant_options) &&
           device_info.struct_size == sizeof(rota_device_info) &&
           outputs_stats.struct_size == sizeof(rota_outputs_stats) && sizeof(rota_job) == 64 &&
           sizeof(rota_completion) == 64 && job.opcode == 1 && job.tiles == 1 &&
           completion.status == 1 && read.buffer == 0 && ticket == 0 && status == 0 &&
           forever + 1 == 0;
}
