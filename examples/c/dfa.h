/* A pattern set and the table that finds all its patterns in one pass (Aho and Corasick, 1975).
 *
 * The table is what examples/handlers/scan.wgsl reads, and ROTA_OP_SCAN_DFA too: 32-bit words, laid
 * out as the head of the one and docs/c-api.md say. The functions at the end read the same table,
 * or no table at all, on the CPU. */
#ifndef DFA_H
#define DFA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_PATTERNS = 32 };

struct pattern_set {
    const char *name;
    bool ignore_case; /* of ASCII letters */
    const char *patterns[MAX_PATTERNS];
    size_t count;
};

struct dfa {
    uint32_t *words;
    size_t length; /* in words */
};

/* Exits with a message when memory runs out. Free with dfa_free. */
struct dfa dfa_build(const struct pattern_set *set);
void dfa_free(struct dfa *dfa);

uint32_t dfa_states(const struct dfa *dfa);
uint32_t dfa_classes(const struct dfa *dfa);

/* Adds each pattern's matches in the text to counts[pattern]; returns how many there were. */
uint64_t dfa_scan(const struct dfa *dfa, const uint8_t *text, size_t length, uint64_t *counts);

/* The same count for one pattern with nothing but memmem, to check table and scan by other means.
 * For a set that ignores case, text has to be in lower case already. */
uint64_t plain_count(const struct pattern_set *set, size_t pattern, const uint8_t *text,
                     size_t length);

#endif
