/* Walks, reads and cuts. */
#define _GNU_SOURCE /* memrchr; scandir and lstat with strict C11 */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BINARY_LOOK = 8192 }; /* a NUL byte in so many bytes means: not text */

struct walk {
    struct corpus *corpus;
    size_t limit, capacity;
};

static void *grown(void *memory, size_t bytes) {
    memory = realloc(memory, bytes);
    if (!memory) {
        fprintf(stderr, "scan: out of memory while reading files\n");
        exit(1);
    }
    return memory;
}

/* One more element at the end of an array that doubles whenever its length is a power of two. */
#define APPEND(array, count)                                                                       \
    (((count) & ((count)-1)) == 0                                                                  \
         ? (void)((array) = grown(array, ((count) ? 2 * (count) : 1) * sizeof *(array)))           \
         : (void)0,                                                                                \
     &(array)[(count)++])

static void read_file(struct walk *walk, const char *path, uint64_t size) {
    struct corpus *corpus = walk->corpus;
    if (size == 0)
        return;
    if (size > walk->limit - corpus->length) {
        corpus->files_over_limit++;
        corpus->bytes_over_limit += size;
        return;
    }
    if (corpus->length + size > walk->capacity) {
        walk->capacity = 2 * walk->capacity + size;
        walk->capacity = walk->capacity < walk->limit ? walk->capacity : walk->limit;
        corpus->text = grown(corpus->text, walk->capacity);
    }
    FILE *file = fopen(path, "rb");
    if (!file) {
        corpus->unreadable_files++;
        return;
    }
    uint8_t *text = corpus->text + corpus->length;
    size_t length = fread(text, 1, size, file);
    int failed = ferror(file);
    fclose(file);
    if (failed) {
        corpus->unreadable_files++;
    } else if (memchr(text, 0, length < BINARY_LOOK ? length : BINARY_LOOK)) {
        corpus->binary_files++;
    } else if (length > 0) {
        char *copy = memcpy(grown(NULL, strlen(path) + 1), path, strlen(path) + 1);
        *APPEND(corpus->paths, corpus->file_count) = copy;
        *APPEND(corpus->pieces, corpus->piece_count) =
            (struct piece){.path = copy, .start = corpus->length, .length = length};
        corpus->length += length;
    }
}

static int not_hidden(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static void read_directory(struct walk *walk, const char *path) {
    struct dirent **entries;
    int count = scandir(path, &entries, not_hidden, alphasort);
    if (count < 0) {
        walk->corpus->unreadable_files++;
        return;
    }
    for (int i = 0; i < count; i++) {
        size_t room = strlen(path) + strlen(entries[i]->d_name) + 2;
        char *inside = grown(NULL, room);
        snprintf(inside, room, "%s/%s", path, entries[i]->d_name);
        struct stat info;
        if (lstat(inside, &info) != 0)
            walk->corpus->unreadable_files++;
        else if (S_ISDIR(info.st_mode))
            read_directory(walk, inside);
        else if (S_ISREG(info.st_mode))
            read_file(walk, inside, (uint64_t)info.st_size);
        free(inside);
        free(entries[i]);
    }
    free(entries);
}

/* Cuts what is longer than a chunk at the end of a line: patterns hold no newline, so no match is
 * lost. A single line longer than a chunk is cut where the chunk ends. */
static void cut_long_pieces(struct corpus *corpus, size_t chunk_size) {
    struct piece *pieces = NULL;
    size_t count = 0;
    for (size_t p = 0; p < corpus->piece_count; p++) {
        struct piece rest = corpus->pieces[p];
        while (rest.length > chunk_size) {
            const uint8_t *text = corpus->text + rest.start;
            const uint8_t *newline = memrchr(text, '\n', chunk_size);
            size_t length = newline ? (size_t)(newline - text) + 1 : chunk_size;
            *APPEND(pieces, count) =
                (struct piece){.path = rest.path, .start = rest.start, .length = length};
            rest.start += length;
            rest.length -= length;
        }
        *APPEND(pieces, count) = rest;
    }
    free(corpus->pieces);
    corpus->pieces = pieces;
    corpus->piece_count = count;
}

static void make_chunks(struct corpus *corpus, size_t chunk_size) {
    for (size_t p = 0; p < corpus->piece_count; p++) {
        struct piece *piece = &corpus->pieces[p];
        struct chunk *last = corpus->chunk_count ? &corpus->chunks[corpus->chunk_count - 1] : NULL;
        if (!last || last->length + piece->length > chunk_size) {
            last = APPEND(corpus->chunks, corpus->chunk_count);
            *last = (struct chunk){.first_piece = p, .start = piece->start};
        }
        last->end_piece = p + 1;
        last->length += piece->length;
    }
}

struct corpus corpus_load(char *const *paths, size_t count, size_t limit, size_t chunk_size) {
    struct corpus corpus = {0};
    struct walk walk = {.corpus = &corpus, .limit = limit};
    for (size_t i = 0; i < count; i++) {
        struct stat info;
        if (stat(paths[i], &info) != 0 || access(paths[i], R_OK) != 0) {
            fprintf(stderr, "scan: cannot read %s: %s\n", paths[i], strerror(errno));
            exit(1);
        }
        if (S_ISDIR(info.st_mode))
            read_directory(&walk, paths[i]);
        else
            read_file(&walk, paths[i], (uint64_t)info.st_size);
    }
    cut_long_pieces(&corpus, chunk_size);
    make_chunks(&corpus, chunk_size);
    return corpus;
}

void corpus_free(struct corpus *corpus) {
    for (size_t i = 0; i < corpus->file_count; i++)
        free(corpus->paths[i]);
    free(corpus->paths);
    free(corpus->pieces);
    free(corpus->chunks);
    free(corpus->text);
    *corpus = (struct corpus){0};
}
