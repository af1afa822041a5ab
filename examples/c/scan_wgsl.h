/* The source of the handler that scans, examples/handlers/scan.wgsl. It is part of the program,
 * which so runs where this tree isn't. */
#ifndef SCAN_WGSL_H
#define SCAN_WGSL_H

#include <stddef.h>

extern const char scan_wgsl[]; /* without a zero behind it */
extern const size_t scan_wgsl_length;

#endif
