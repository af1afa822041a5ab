/* What a job costs without Rota: one dispatch of an empty shader, submit, wait for the fence. */
#ifndef PLAIN_VULKAN_H
#define PLAIN_VULKAN_H

#include "latency.h"

/* Measures on the device of that name. Returns NULL, or says why there is nothing to report. */
const char *plain_vulkan_round_trip(const char *device_name, size_t samples,
                                    struct latency *latency);

#endif
