/* The socket through which other programs look at the metrics: paths that can't be, what it
 * answers, clients that go away, and its end. */
#define _POSIX_C_SOURCE 200809L /* mkdtemp, setenv */
#include "setup.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATH = 96 };

static rota_status open_with(const char *path, size_t length, rota_runtime **runtime,
                             rota_error **why) {
    rota_runtime_options options = test_options();
    options.metrics_socket = path;
    options.metrics_socket_len = length;
    return rota_runtime_open(&options, runtime, why);
}

static rota_runtime *opened_with(const char *path) {
    rota_runtime *runtime = NULL;
    OK(open_with(path, strlen(path), &runtime, &error));
    return runtime;
}

static int connected(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CHECK(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path));
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(client >= 0);
    CHECK(connect(client, (struct sockaddr *)&address, sizeof address) == 0);
    return client;
}

static void ask(int client, const char *request) {
    CHECK(write(client, request, strlen(request)) == (ssize_t)strlen(request));
}

/* The next line, without its end. */
static const char *answer(int client) {
    static char line[1 << 18];
    size_t length = 0;
    do {
        CHECK(length < sizeof line && read(client, line + length, 1) == 1);
    } while (line[length++] != '\n');
    line[length - 1] = 0;
    return line;
}

static int is_there(const char *path) { return access(path, F_OK) == 0; }

static void bad_paths(const char *folder) {
    rota_runtime *runtime = NULL;
    char path[200];
    memset(path, 'x', sizeof path);
    FAILS_SAYING(open_with(path, sizeof path, &runtime, &error), ROTA_STATUS_INVALID_ARGUMENT,
                 "200 bytes");
    FAILS_SAYING(open_with(NULL, 3, &runtime, &error), ROTA_STATUS_NULL_POINTER, "metrics_socket");
    FAILS_SAYING(open_with("a\xff", 2, &runtime, &error), ROTA_STATUS_INVALID_ARGUMENT,
                 "metrics_socket");
    FAILS_SAYING(open_with(folder, strlen(folder), &runtime, &error), ROTA_STATUS_IO_ERROR,
                 "something else");
    snprintf(path, sizeof path, "%s/none/socket", folder);
    FAILS_SAYING(open_with(path, strlen(path), &runtime, &error), ROTA_STATUS_IO_ERROR, path);
    CHECK(runtime == NULL);
}

static void answers(const char *path) {
    rota_runtime *runtime = opened_with(path), *another = NULL;
    struct stat found;
    CHECK(stat(path, &found) == 0 && (found.st_mode & 07777) == 0600);
    FAILS_SAYING(open_with(path, strlen(path), &another, &error), ROTA_STATUS_IO_ERROR,
                 "is in use by process");
    rota_tenant *tenant = create_tenant(runtime, 0);
    still_works(tenant);
    int one = connected(path), two = connected(path);
    ask(one, "snapshot\n");
    const char *line = answer(one);
    CHECK(strstr(line, "\"rota_tenant_jobs_submitted\""));
    CHECK(strstr(line, "\"latencies\":[{\"tenant\":\"\",\"buckets\":[["));
    char process[64];
    snprintf(process, sizeof process, "\"process\":%ld,", (long)getpid());
    CHECK(strstr(line, process));
    ask(two, "snap shot\n");
    CHECK(strstr(answer(two), "\"error\""));
    /* Who has gone before the answer comes ends nobody by a signal. */
    for (int i = 0; i < 20; i++) {
        int gone = connected(path);
        ask(gone, "snapshot\n");
        close(gone);
    }
    ask(two, "snapshot\n");
    CHECK(strstr(answer(two), "\"metrics\""));
    still_works(tenant);
    OK(rota_runtime_destroy(runtime, &error));
    char byte;
    CHECK(read(one, &byte, 1) == 0 && read(two, &byte, 1) == 0);
    CHECK(!is_there(path));
    close(one);
    close(two);
}

static void of_the_environment(const char *folder) {
    char path[PATH], second[PATH + 2], named[PATH];
    snprintf(path, sizeof path, "%s/%ld", folder, (long)getpid());
    snprintf(second, sizeof second, "%s.2", path);
    snprintf(named, sizeof named, "%s/%%p", folder);
    setenv("ROTA_METRICS_SOCKET", named, 1);
    rota_runtime *runtime = open_runtime(), *another = open_runtime();
    CHECK(is_there(path) && is_there(second));
    close(connected(second));
    OK(rota_runtime_destroy(runtime, &error));
    CHECK(!is_there(path) && is_there(second));
    /* The option wins. */
    snprintf(path, sizeof path, "%s/other", folder);
    runtime = opened_with(path);
    close(connected(path));
    OK(rota_runtime_stop(runtime, &error));
    CHECK(!is_there(path));
    OK(rota_runtime_destroy(runtime, &error));
    OK(rota_runtime_destroy(another, &error));
    setenv("ROTA_METRICS_SOCKET", folder, 1);
    FAILS_SAYING(open_with(NULL, 0, &runtime, &error), ROTA_STATUS_IO_ERROR, folder);
    unsetenv("ROTA_METRICS_SOCKET");
}

int main(void) {
    char folder[] = "/tmp/rota-socket-XXXXXX", path[PATH];
    CHECK(mkdtemp(folder) != NULL);
    unsetenv("ROTA_METRICS_SOCKET");
    bad_paths(folder);
    snprintf(path, sizeof path, "%s/metrics", folder);
    answers(path);
    answers(path);
    of_the_environment(folder);
    CHECK(rmdir(folder) == 0); /* nothing is left in it */
    return 0;
}
