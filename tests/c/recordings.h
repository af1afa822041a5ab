/* A folder for logs, runtimes that record there, and ways to damage a log. A program that includes
 * it defines _XOPEN_SOURCE 700 first. */
#ifndef RECORDINGS_H
#define RECORDINGS_H

#include "setup.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CELL_BYTES = 128, CELLS_AT = 8192, LOG_BYTES = 4 << 20 };

static char folder[] = "/tmp/rota-recorder-XXXXXX";

/* A name in the folder; good until the next but three. */
static inline const char *in_folder(const char *name) {
    static char paths[4][512];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw) {
    (void)info, (void)type, (void)ftw;
    return remove(path);
}

static inline void remove_tree(const char *path) {
    CHECK(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

static inline rota_recorder_options recorder_into(const char *path) {
    rota_recorder_options recorder = ROTA_RECORDER_OPTIONS_INIT;
    recorder.path = path;
    recorder.path_len = strlen(path);
    recorder.capacity_bytes = LOG_BYTES;
    recorder.capture = ROTA_CAPTURE_FULL;
    return recorder;
}

static inline rota_runtime *open_recorded(const rota_recorder_options *recorder) {
    rota_runtime_options options = test_options();
    options.recorder = recorder;
    rota_runtime *runtime = NULL;
    OK(rota_runtime_open(&options, &runtime, &error));
    return runtime;
}

static inline rota_recording *open_recording(const char *path, uint32_t flags) {
    rota_recording *recording = NULL;
    OK(rota_recording_open(path, strlen(path), flags, &recording, &error));
    CHECK(recording != NULL);
    return recording;
}

static inline rota_record next(rota_recording *recording) {
    rota_record record = ROTA_RECORD_INIT;
    OK(rota_recording_next(recording, &record, &error));
    return record;
}

static inline rota_replay_options replay_of(const char *path, const rota_runtime_options *runtime) {
    rota_replay_options options = ROTA_REPLAY_OPTIONS_INIT;
    options.path = path;
    options.path_len = strlen(path);
    options.runtime = runtime;
    return options;
}

static inline uint32_t crc32c(const unsigned char *bytes, size_t n) {
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

static inline void write_file(const char *path, const void *bytes, size_t n) {
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL && fwrite(bytes, 1, n, file) == n && fclose(file) == 0);
}

/* The bytes of a file: the caller's to free. */
static inline unsigned char *read_file(const char *path, size_t *n) {
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
    *n = (size_t)ftell(file);
    unsigned char *bytes = malloc(*n);
    CHECK(bytes != NULL && fseek(file, 0, SEEK_SET) == 0);
    CHECK(fread(bytes, 1, *n, file) == *n && fclose(file) == 0);
    return bytes;
}

static inline unsigned char *cell_of(unsigned char *log, uint64_t seq) {
    return log + CELLS_AT + seq % ((LOG_BYTES - CELLS_AT) / CELL_BYTES) * CELL_BYTES;
}

#endif
