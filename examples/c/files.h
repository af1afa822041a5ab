/* The input: text files, read one after the other into one piece of memory.
 *
 * What is scanned at once is a *piece*: a file, or a part of one that is longer than a chunk.
 * A *chunk* is a run of whole pieces that fits into one text buffer. Matches never cross pieces. */
#ifndef FILES_H
#define FILES_H

#include <stddef.h>
#include <stdint.h>

struct piece {
    const char *path;
    size_t start, length; /* in corpus.text */
};

struct chunk {
    size_t first_piece, end_piece; /* end_piece is not part of it */
    size_t start, length;          /* in corpus.text */
};

struct corpus {
    uint8_t *text;
    size_t length;
    struct piece *pieces;
    size_t piece_count;
    struct chunk *chunks;
    size_t chunk_count;
    char **paths;
    size_t file_count;
    /* What was found and is not in the text. */
    size_t binary_files, unreadable_files, files_over_limit;
    uint64_t bytes_over_limit;
};

/* Reads the files given, and those below the directories given, in order of their names, until
 * limit bytes are there. Leaves out hidden files, symbolic links found on the way, and files with a
 * NUL byte near their start, which are not text. Exits with a message if a path given can't be
 * read or memory runs out. */
struct corpus corpus_load(char *const *paths, size_t count, size_t limit, size_t chunk_size);
void corpus_free(struct corpus *corpus);

#endif
