/* The cache is a help, not a need: a folder that can't be made, or a broken file in it, costs time
 * and is told to the log, and the runtime opens all the same. */
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#include "setup.h"

#include <dirent.h>
#include <unistd.h>

static void works_with(const char *folder) {
    rota_runtime_options options = test_options();
    options.cache_dir = folder;
    options.cache_dir_len = strlen(folder);
    rota_runtime *runtime = NULL;
    OK(rota_runtime_open(&options, &runtime, &error));
    still_works(create_tenant(runtime, 0));
    OK(rota_runtime_destroy(runtime, &error));
}

/* Overwrites, or removes, every file of a flat folder; returns how many there were. */
static int each_file(const char *folder, int removing) {
    int files = 0;
    DIR *list = opendir(folder);
    CHECK(list != NULL);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (removing) {
            unlink(path);
        } else {
            FILE *file = fopen(path, "wb");
            CHECK(file != NULL);
            fputs("this is no pipeline cache", file);
            fclose(file);
        }
        files++;
    }
    closedir(list);
    return files;
}

int main(void) {
    works_with("/dev/null/no/folder");
    works_with("/proc/no-such-folder");

    char folder[] = "/tmp/rota-cache-XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    works_with(folder);
    CHECK(each_file(folder, 0) >= 1); /* something was kept, and is now broken */
    works_with(folder);
    each_file(folder, 1);
    CHECK(rmdir(folder) == 0);
    return 0;
}
