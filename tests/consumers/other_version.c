/* Stands before librota by LD_PRELOAD, and says that the library has the next major version: what a
   program sees whose header and library don't belong together. */
#include <stdint.h>

#include <rota/rota.h>

uint32_t rota_version(void) { return (uint32_t)(ROTA_VERSION_MAJOR + 1) << 16; }

const char *rota_version_text(void) { return "of-another-major"; }
