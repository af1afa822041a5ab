/* The log callback gets whole lines with their level and the user's pointer, from opening on, and
 * nothing more once it is taken away. */
#include "setup.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* any thread may call */
static int lines, wrong;
static char text_seen[65536];
static int marker;

static void on_log(void *user, uint32_t level, const char *text, size_t length) {
    pthread_mutex_lock(&lock);
    lines++;
    if (user != &marker || level == 0 || level > 16 || length == 0 || text == NULL ||
        memchr(text, 0, length) != NULL || memchr(text, '\n', length) != NULL)
        wrong++;
    size_t used = strlen(text_seen);
    if (used + length + 2 < sizeof text_seen) {
        memcpy(text_seen + used, text, length);
        text_seen[used + length] = '\n';
    }
    pthread_mutex_unlock(&lock);
}

static void open_and_close(void) {
    rota_runtime_options options = test_options();
    const char folder[] = "/dev/null/no/cache"; /* worth a line: it can't be made */
    options.cache_dir = folder;
    options.cache_dir_len = strlen(folder);
    rota_runtime *runtime = NULL;
    OK(rota_runtime_open(&options, &runtime, &error));
    OK(rota_runtime_destroy(runtime, &error));
}

int main(void) {
    OK(rota_log_set(on_log, &marker, 5, &error));
    open_and_close();
    pthread_mutex_lock(&lock);
    CHECK(lines > 0);
    EQUAL(wrong, 0);
    if (strstr(text_seen, "/dev/null/no/cache") == NULL) {
        fprintf(stderr, "%s:%d: the log doesn't name the folder:\n%s", __FILE__, __LINE__,
                text_seen);
        return 1;
    }
    int before = lines;
    pthread_mutex_unlock(&lock);

    OK(rota_log_set(NULL, NULL, 0, &error));
    open_and_close();
    EQUAL(lines, before);
    return 0;
}
