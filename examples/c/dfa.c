/* Builds the table in three steps: byte classes, the trie of the patterns, and then, level by
 * level, the transitions and outputs that a longest proper suffix brings in. */
#define _GNU_SOURCE /* memmem */
#include "dfa.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAGIC = 0x52444641, /* "RDFA" */
    /* The header: what each of its words holds. */
    STATES = 1,
    CLASSES = 2,
    PATTERNS = 3,
    LONGEST = 4,
    TRANSITIONS = 5,
    OUTPUT_INDEX = 6,
    OUTPUT_LIST = 7,
    BYTE_CLASS = 8, /* 256 bytes, four to a word */
    HEADER_WORDS = BYTE_CLASS + 256 / 4
};

static const uint32_t HAS_OUTPUT = 0x80000000;
static const uint32_t NO_STATE = UINT32_MAX;

static void *zeroed(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size);
    if (!memory) {
        fprintf(stderr, "scan: out of memory for a pattern table\n");
        exit(1);
    }
    return memory;
}

static uint8_t folded(const struct pattern_set *set, char c) {
    unsigned char byte = (unsigned char)c;
    return set->ignore_case && byte < 128 ? (uint8_t)tolower(byte) : byte;
}

/* Each byte that occurs in a pattern gets a class of its own, all others share class 0: a table of
 * a few dozen columns where 256 would mostly be equal. Where case doesn't matter, a letter and its
 * capital are one class. Returns the number of classes. */
static uint32_t choose_classes(const struct pattern_set *set, uint8_t class_of[256]) {
    uint32_t classes = 1;
    memset(class_of, 0, 256);
    for (size_t p = 0; p < set->count; p++) {
        for (const char *c = set->patterns[p]; *c; c++) {
            uint8_t byte = folded(set, *c);
            if (class_of[byte] == 0)
                class_of[byte] = (uint8_t)classes++;
        }
    }
    for (int lower = 'a'; set->ignore_case && lower <= 'z'; lower++)
        class_of[toupper(lower)] = class_of[lower];
    return classes;
}

struct dfa dfa_build(const struct pattern_set *set) {
    uint8_t class_of[256];
    uint32_t classes = choose_classes(set, class_of);
    size_t most_states = 1, longest = 0;
    for (size_t p = 0; p < set->count; p++) {
        size_t length = strlen(set->patterns[p]);
        most_states += length;
        longest = length > longest ? length : longest;
    }

    uint32_t *next = zeroed(most_states * classes, sizeof *next);
    uint32_t *suffix = zeroed(most_states, sizeof *suffix); /* longest proper suffix in the trie */
    uint32_t *outputs = zeroed(most_states, sizeof *outputs); /* how many patterns end here */
    uint32_t *end_state = zeroed(set->count, sizeof *end_state);
    uint32_t *order =
        zeroed(most_states, sizeof *order); /* breadth first: parents before children */
    for (size_t i = 0; i < most_states * classes; i++)
        next[i] = NO_STATE;

    uint32_t states = 1;
    for (size_t p = 0; p < set->count; p++) {
        uint32_t at = 0;
        for (const char *c = set->patterns[p]; *c; c++) {
            uint32_t *edge = &next[at * classes + class_of[folded(set, *c)]];
            if (*edge == NO_STATE)
                *edge = states++;
            at = *edge;
        }
        end_state[p] = at;
        outputs[at]++;
    }

    uint32_t ordered = 0;
    for (uint32_t c = 0; c < classes; c++) {
        uint32_t *edge = &next[c];
        if (*edge == NO_STATE)
            *edge = 0;
        else
            order[ordered++] = *edge; /* its suffix is the root */
    }
    for (uint32_t i = 0; i < ordered; i++) {
        uint32_t state = order[i];
        outputs[state] += outputs[suffix[state]];
        for (uint32_t c = 0; c < classes; c++) {
            uint32_t *edge = &next[state * classes + c];
            uint32_t detour = next[suffix[state] * classes + c];
            if (*edge == NO_STATE) {
                *edge = detour;
            } else {
                suffix[*edge] = detour;
                order[ordered++] = *edge;
            }
        }
    }

    size_t total_outputs = 0;
    for (uint32_t s = 0; s < states; s++)
        total_outputs += outputs[s];

    struct dfa dfa;
    size_t index_at = HEADER_WORDS + (size_t)states * classes;
    size_t list_at = index_at + states + 1;
    dfa.length = list_at + total_outputs;
    dfa.words = zeroed(dfa.length, sizeof *dfa.words);
    dfa.words[0] = MAGIC;
    dfa.words[STATES] = states;
    dfa.words[CLASSES] = classes;
    dfa.words[PATTERNS] = (uint32_t)set->count;
    dfa.words[LONGEST] = (uint32_t)longest;
    dfa.words[TRANSITIONS] = HEADER_WORDS;
    dfa.words[OUTPUT_INDEX] = (uint32_t)index_at;
    dfa.words[OUTPUT_LIST] = (uint32_t)list_at;
    for (uint32_t byte = 0; byte < 256; byte++)
        dfa.words[BYTE_CLASS + byte / 4] |= (uint32_t)class_of[byte] << (8 * (byte % 4));
    for (size_t i = 0; i < (size_t)states * classes; i++)
        dfa.words[HEADER_WORDS + i] = next[i] | (outputs[next[i]] ? HAS_OUTPUT : 0);

    uint32_t *index = dfa.words + index_at, *list = dfa.words + list_at;
    for (uint32_t s = 0; s < states; s++)
        index[s + 1] = index[s] + outputs[s];
    for (uint32_t i = 0; i < ordered; i++) { /* own patterns first, then the suffix's */
        uint32_t state = order[i], at = index[state], from = suffix[state];
        for (size_t p = 0; p < set->count; p++) {
            if (end_state[p] == state)
                list[at++] = (uint32_t)p;
        }
        memcpy(list + at, list + index[from], outputs[from] * sizeof *list);
    }

    free(next);
    free(suffix);
    free(outputs);
    free(end_state);
    free(order);
    return dfa;
}

void dfa_free(struct dfa *dfa) {
    free(dfa->words);
    dfa->words = NULL;
    dfa->length = 0;
}

uint32_t dfa_states(const struct dfa *dfa) { return dfa->words[STATES]; }

uint32_t dfa_classes(const struct dfa *dfa) { return dfa->words[CLASSES]; }

uint64_t dfa_scan(const struct dfa *dfa, const uint8_t *text, size_t length, uint64_t *counts) {
    const uint32_t *words = dfa->words;
    const uint32_t *next = words + words[TRANSITIONS];
    const uint32_t *index = words + words[OUTPUT_INDEX];
    const uint32_t *list = words + words[OUTPUT_LIST];
    uint32_t classes = words[CLASSES], state = 0;
    uint64_t matches = 0;
    uint8_t class_of[256];
    for (uint32_t byte = 0; byte < 256; byte++)
        class_of[byte] = (uint8_t)(words[BYTE_CLASS + byte / 4] >> (8 * (byte % 4)));

    for (size_t i = 0; i < length; i++) {
        uint32_t entry = next[state * classes + class_of[text[i]]];
        state = entry & ~HAS_OUTPUT;
        if (entry & HAS_OUTPUT) {
            for (uint32_t o = index[state]; o < index[state + 1]; o++, matches++)
                counts[list[o]]++;
        }
    }
    return matches;
}

uint64_t plain_count(const struct pattern_set *set, size_t pattern, const uint8_t *text,
                     size_t length) {
    char needle[256];
    size_t needle_length = strlen(set->patterns[pattern]);
    if (needle_length > sizeof needle) {
        fprintf(stderr, "scan: the pattern \"%s\" is too long\n", set->patterns[pattern]);
        exit(1);
    }
    for (size_t i = 0; i < needle_length; i++)
        needle[i] = (char)folded(set, set->patterns[pattern][i]);

    uint64_t matches = 0;
    const uint8_t *end = text + length, *from = text, *hit;
    while ((hit = memmem(from, (size_t)(end - from), needle, needle_length)) != NULL) {
        matches++;
        from = hit + 1; /* overlapping matches count, as they do in the table */
    }
    return matches;
}
