/* malloc and its kin, replaced by ones that count what this thread asks for. For one source of a
 * program. */
#ifndef ALLOCATIONS_H
#define ALLOCATIONS_H

#include <errno.h>
#include <stddef.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static _Thread_local unsigned long asked;

void *malloc(size_t size) {
    asked++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    asked++;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    asked++;
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    asked++;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    asked++;
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}

#endif
