/* For sanitized programs: libraries that are closed stay. The Vulkan loader closes the driver, and
 * what a driver keeps until the process ends would then be a leak of an unknown module's, which no
 * suppression can name: Mesa does so on AMD's processors. */
int dlclose(void *library);
int dlclose(void *library) {
    (void)library;
    return 0;
}
