/* A machine without a Vulkan driver: ROTA_STATUS_NO_DRIVER, naming what was looked for and which
 * package brings one. The driver is hidden from a child process, by the loader's own variables. */
#define _POSIX_C_SOURCE 200809L /* setenv, fork */
#include "setup.h"

#include <sys/wait.h>
#include <unistd.h>

static int child(void) {
    setenv("VK_DRIVER_FILES", "/nonexistent/driver.json", 1);
    setenv("VK_ICD_FILENAMES", "/nonexistent/driver.json", 1);
    rota_runtime_options options = test_options();
    rota_runtime *runtime = NULL;
    FAILS_SAYING(rota_runtime_open(&options, &runtime, &error), ROTA_STATUS_NO_DRIVER, "Vulkan");
    FAILS_SAYING(rota_runtime_open(&options, &runtime, &error), ROTA_STATUS_NO_DRIVER,
                 "/nonexistent/driver.json");
    FAILS_SAYING(rota_runtime_open(&options, &runtime, &error), ROTA_STATUS_NO_DRIVER,
                 "mesa-vulkan-drivers");
    CHECK(runtime == NULL);

    rota_device_info info = ROTA_DEVICE_INFO_INIT;
    size_t needed = 99;
    FAILS_SAYING(rota_devices_list(&info, 1, &needed, &error), ROTA_STATUS_NO_DRIVER,
                 "mesa-vulkan-drivers");
    EQUAL(needed, 0);
    return 0;
}

int main(void) {
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0)
        exit(child());
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return 0;
}
