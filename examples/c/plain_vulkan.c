/* Plain Vulkan, as short as it gets: the loader is opened by name, so that the example links
 * without it, and the command buffer is recorded once and submitted again and again. The shader
 * does nothing, which flatters this side: a Rota job also brings arguments and results. */
#include "plain_vulkan.h"

#ifndef SCAN_HAVE_VULKAN_HEADERS

const char *plain_vulkan_round_trip(const char *device_name, size_t samples,
                                    struct latency *latency) {
    (void)device_name, (void)samples, (void)latency;
    return "built without the Vulkan headers (on Debian: libvulkan-dev)";
}

#else

#define VK_NO_PROTOTYPES
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

/* `@compute @workgroup_size(1) fn main() {}`, translated by naga. */
static const uint32_t EMPTY_SHADER[] = {
    0x07230203, 0x00010000, 0x0000001c, 0x00000007, 0x00000000, 0x00020011, 0x00000001, 0x0006000b,
    0x00000001, 0x4c534c47, 0x6474732e, 0x3035342e, 0x00000000, 0x0003000e, 0x00000000, 0x00000001,
    0x0005000f, 0x00000005, 0x00000004, 0x6e69616d, 0x00000000, 0x00060010, 0x00000004, 0x00000011,
    0x00000001, 0x00000001, 0x00000001, 0x00020013, 0x00000002, 0x00030021, 0x00000005, 0x00000002,
    0x00050036, 0x00000002, 0x00000004, 0x00000000, 0x00000005, 0x000200f8, 0x00000003, 0x000200f9,
    0x00000006, 0x000200f8, 0x00000006, 0x000100fd, 0x00010038};

/* The functions used, loaded below. */
#define INSTANCE_FUNCTIONS(F)                                                                      \
    F(vkDestroyInstance)                                                                           \
    F(vkEnumeratePhysicalDevices)                                                                  \
    F(vkGetPhysicalDeviceProperties)                                                               \
    F(vkGetPhysicalDeviceQueueFamilyProperties)                                                    \
    F(vkCreateDevice)                                                                              \
    F(vkDestroyDevice)                                                                             \
    F(vkGetDeviceQueue)                                                                            \
    F(vkCreateShaderModule)                                                                        \
    F(vkDestroyShaderModule)                                                                       \
    F(vkCreatePipelineLayout)                                                                      \
    F(vkDestroyPipelineLayout)                                                                     \
    F(vkCreateComputePipelines)                                                                    \
    F(vkDestroyPipeline)                                                                           \
    F(vkCreateCommandPool)                                                                         \
    F(vkDestroyCommandPool)                                                                        \
    F(vkAllocateCommandBuffers)                                                                    \
    F(vkBeginCommandBuffer)                                                                        \
    F(vkCmdBindPipeline)                                                                           \
    F(vkCmdDispatch)                                                                               \
    F(vkEndCommandBuffer)                                                                          \
    F(vkCreateFence)                                                                               \
    F(vkDestroyFence)                                                                              \
    F(vkQueueSubmit)                                                                               \
    F(vkWaitForFences)                                                                             \
    F(vkResetFences)

struct plain {
    void *library;
    PFN_vkGetInstanceProcAddr vkGetInstanceProcAddr;
    PFN_vkCreateInstance vkCreateInstance;
#define DECLARE(name) PFN_##name name;
    INSTANCE_FUNCTIONS(DECLARE)
#undef DECLARE
    VkInstance instance;
    VkPhysicalDevice physical;
    VkDevice device;
    uint32_t family;
    VkQueue queue;
    VkShaderModule shader;
    VkPipelineLayout layout;
    VkPipeline pipeline;
    VkCommandPool pool;
    VkCommandBuffer commands;
    VkFence fence;
};

static const char *load(struct plain *vk) {
    vk->library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!vk->library)
        return "libvulkan.so.1 is not there (on Debian: libvulkan1)";
    void *symbol = dlsym(vk->library, "vkGetInstanceProcAddr");
    if (!symbol)
        return "libvulkan.so.1 has no vkGetInstanceProcAddr";
    /* ISO C has no cast from an object pointer to a function's, so the bits are copied. */
    memcpy(&vk->vkGetInstanceProcAddr, &symbol, sizeof symbol);
    vk->vkCreateInstance =
        (PFN_vkCreateInstance)vk->vkGetInstanceProcAddr(NULL, "vkCreateInstance");

    VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                     .apiVersion = VK_API_VERSION_1_0};
    VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                 .pApplicationInfo = &application};
    if (!vk->vkCreateInstance || vk->vkCreateInstance(&info, NULL, &vk->instance) != VK_SUCCESS)
        return "vkCreateInstance failed";
#define LOAD(name)                                                                                 \
    vk->name = (PFN_##name)vk->vkGetInstanceProcAddr(vk->instance, #name);                         \
    if (!vk->name)                                                                                 \
        return "the Vulkan loader lacks " #name;
    INSTANCE_FUNCTIONS(LOAD)
#undef LOAD
    return NULL;
}

static const char *open_device(struct plain *vk, const char *device_name) {
    VkPhysicalDevice devices[16];
    uint32_t count = 16;
    VkResult result = vk->vkEnumeratePhysicalDevices(vk->instance, &count, devices);
    if (result != VK_SUCCESS && result != VK_INCOMPLETE)
        return "vkEnumeratePhysicalDevices failed";
    for (uint32_t i = 0; i < count && !vk->physical; i++) {
        VkPhysicalDeviceProperties properties;
        vk->vkGetPhysicalDeviceProperties(devices[i], &properties);
        if (strcmp(properties.deviceName, device_name) == 0)
            vk->physical = devices[i];
    }
    if (!vk->physical)
        return "plain Vulkan doesn't list the device";

    VkQueueFamilyProperties families[16];
    count = 16;
    vk->vkGetPhysicalDeviceQueueFamilyProperties(vk->physical, &count, families);
    vk->family = 0;
    while (vk->family < count && !(families[vk->family].queueFlags & VK_QUEUE_COMPUTE_BIT))
        vk->family++;
    if (vk->family == count)
        return "the device has no compute queue";

    VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                     .queueFamilyIndex = vk->family,
                                     .queueCount = 1,
                                     .pQueuePriorities = (const float[]){1}};
    VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                               .queueCreateInfoCount = 1,
                               .pQueueCreateInfos = &queue};
    if (vk->vkCreateDevice(vk->physical, &info, NULL, &vk->device) != VK_SUCCESS)
        return "vkCreateDevice failed";
    vk->vkGetDeviceQueue(vk->device, vk->family, 0, &vk->queue);
    return NULL;
}

static const char *record(struct plain *vk) {
    VkShaderModuleCreateInfo shader = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                       .codeSize = sizeof EMPTY_SHADER,
                                       .pCode = EMPTY_SHADER};
    VkPipelineLayoutCreateInfo layout = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
    if (vk->vkCreateShaderModule(vk->device, &shader, NULL, &vk->shader) != VK_SUCCESS ||
        vk->vkCreatePipelineLayout(vk->device, &layout, NULL, &vk->layout) != VK_SUCCESS)
        return "the shader or its layout was refused";

    VkComputePipelineCreateInfo pipeline = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                  .module = vk->shader,
                  .pName = "main"},
        .layout = vk->layout};
    VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                    .queueFamilyIndex = vk->family};
    VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    if (vk->vkCreateComputePipelines(vk->device, VK_NULL_HANDLE, 1, &pipeline, NULL,
                                     &vk->pipeline) != VK_SUCCESS ||
        vk->vkCreateCommandPool(vk->device, &pool, NULL, &vk->pool) != VK_SUCCESS ||
        vk->vkCreateFence(vk->device, &fence, NULL, &vk->fence) != VK_SUCCESS)
        return "pipeline, command pool or fence was refused";

    VkCommandBufferAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                            .commandPool = vk->pool,
                                            .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                            .commandBufferCount = 1};
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    if (vk->vkAllocateCommandBuffers(vk->device, &allocate, &vk->commands) != VK_SUCCESS ||
        vk->vkBeginCommandBuffer(vk->commands, &begin) != VK_SUCCESS)
        return "the command buffer was refused";
    vk->vkCmdBindPipeline(vk->commands, VK_PIPELINE_BIND_POINT_COMPUTE, vk->pipeline);
    vk->vkCmdDispatch(vk->commands, 1, 1, 1);
    if (vk->vkEndCommandBuffer(vk->commands) != VK_SUCCESS)
        return "recording failed";
    return NULL;
}

static const char *measure(struct plain *vk, size_t samples, struct latency *latency) {
    enum { WARM_UP = 100 }; /* the first dispatch compiles */
    uint64_t *times = malloc(samples * sizeof *times);
    if (!times)
        return "out of memory";
    const VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                                 .commandBufferCount = 1,
                                 .pCommandBuffers = &vk->commands};
    const char *problem = NULL;
    for (size_t i = 0; i < WARM_UP + samples && !problem; i++) {
        uint64_t start = now_ns();
        if (vk->vkQueueSubmit(vk->queue, 1, &submit, vk->fence) != VK_SUCCESS ||
            vk->vkWaitForFences(vk->device, 1, &vk->fence, VK_TRUE, UINT64_MAX) != VK_SUCCESS ||
            vk->vkResetFences(vk->device, 1, &vk->fence) != VK_SUCCESS)
            problem = "a submit failed";
        if (i >= WARM_UP)
            times[i - WARM_UP] = now_ns() - start;
    }
    if (!problem)
        *latency = latency_of(times, samples);
    free(times);
    return problem;
}

static void close_all(struct plain *vk) {
    if (vk->device) {
        vk->vkDestroyFence(vk->device, vk->fence, NULL);
        vk->vkDestroyCommandPool(vk->device, vk->pool, NULL);
        vk->vkDestroyPipeline(vk->device, vk->pipeline, NULL);
        vk->vkDestroyPipelineLayout(vk->device, vk->layout, NULL);
        vk->vkDestroyShaderModule(vk->device, vk->shader, NULL);
        vk->vkDestroyDevice(vk->device, NULL);
    }
    if (vk->instance && vk->vkDestroyInstance)
        vk->vkDestroyInstance(vk->instance, NULL);
    if (vk->library)
        dlclose(vk->library);
}

const char *plain_vulkan_round_trip(const char *device_name, size_t samples,
                                    struct latency *latency) {
    struct plain vk = {0};
    const char *problem = load(&vk);
    if (!problem)
        problem = open_device(&vk, device_name);
    if (!problem)
        problem = record(&vk);
    if (!problem)
        problem = measure(&vk, samples, latency);
    close_all(&vk);
    return problem;
}

#endif
