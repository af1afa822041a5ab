/* Reading what spans were written. */
#ifndef TRACES_H
#define TRACES_H

#include "setup.h"

static char text[1 << 20];

/* Reads a file into `text`; gives its length. */
static inline size_t read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    size_t length = fread(text, 1, sizeof text - 1, file);
    CHECK(length < sizeof text - 1);
    fclose(file);
    text[length] = 0;
    return length;
}

/* How often that stands in `text`. */
static inline size_t count(const char *what) {
    size_t found = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what))
        found++;
    return found;
}

#endif
