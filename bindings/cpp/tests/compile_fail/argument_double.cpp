// A double is not cut to a float silently.
// Refused with: pass a float
#include <rota/rota.hpp>

rota_job made();
rota_job made() {
#ifdef WRONG
    return rota::job(1).arg(2.0);
#else
    return rota::job(1).arg(2.0f);
#endif
}
