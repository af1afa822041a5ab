/* ROTA_LOG sends messages to stderr, in a program that doesn't say itself where they go. What
 * children print is read through a pipe. */
#define _POSIX_C_SOURCE 200809L /* setenv, fork */
#include "setup.h"

#include <sys/wait.h>
#include <unistd.h>

static void ignore(void *user, uint32_t level, const char *text, size_t length) {
    (void)user, (void)level, (void)text, (void)length;
}

/* Opens a runtime whose cache folder can't be made, which is worth a warning. */
static void child(int with_callback) {
    if (with_callback)
        OK(rota_log_set(ignore, NULL, ROTA_LOG_TRACE, &error));
    rota_runtime_options options = test_options();
    const char folder[] = "/dev/null/no/cache";
    options.cache_dir = folder;
    options.cache_dir_len = strlen(folder);
    rota_runtime *runtime = NULL;
    OK(rota_runtime_open(&options, &runtime, &error));
    OK(rota_runtime_destroy(runtime, &error));
}

static void said(const char *wish, int with_callback, char *text, size_t size) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        setenv("ROTA_LOG", wish, 1);
        child(with_callback);
        exit(0);
    }
    close(ends[1]);
    size_t used = 0;
    ssize_t got;
    while (used < size - 1 && (got = read(ends[0], text + used, size - 1 - used)) > 0)
        used += (size_t)got;
    text[used] = 0;
    close(ends[0]);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void) {
    static char text[65536];
    said("warn", 0, text, sizeof text);
    CHECK(strstr(text, "rota: warn: "));
    CHECK(strstr(text, "/dev/null/no/cache"));
    CHECK(!strstr(text, "rota: info: "));
    said("info", 0, text, sizeof text);
    CHECK(strstr(text, "rota: warn: "));
    CHECK(strstr(text, "rota: info: "));
    said("off", 0, text, sizeof text);
    CHECK(!strstr(text, "rota: "));
    said("", 0, text, sizeof text);
    CHECK(!strstr(text, "rota: "));
    said("info", 1, text, sizeof text); /* the program has its own way */
    CHECK(!strstr(text, "rota: "));
    said("loud", 0, text, sizeof text);
    CHECK(strstr(text, "ROTA_LOG") && strstr(text, "loud") && strstr(text, "trace"));
    return 0;
}
