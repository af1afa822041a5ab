/* What the scan looks for: five sets of patterns, each the business of another tenant. */
#ifndef SETS_H
#define SETS_H

#include "dfa.h"

enum { SET_COUNT = 5 };

extern const struct pattern_set pattern_sets[SET_COUNT];

#endif
