// A machine without a Vulkan driver gives no_driver, which names what was looked for. The driver is
// hidden by the loader's own variables, before the loader is opened.
#include "setup.hpp"

int main() {
    setenv("VK_DRIVER_FILES", "/nonexistent", 1);
    setenv("VK_ICD_FILENAMES", "/nonexistent", 1);
    FAILS(rota::runtime::open(test_options()), rota::status::no_driver, "/nonexistent");
    FAILS(rota::devices(), rota::status::no_driver, "Vulkan");
    return 0;
}
