// A size is not cut to 32 bits silently.
// Refused with: 32 bits
#include <rota/rota.hpp>

rota_job made();
rota_job made() {
#ifdef WRONG
    return rota::job(1).arg(sizeof(int));
#else
    return rota::job(1).arg64(sizeof(int));
#endif
}
