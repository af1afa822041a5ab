// A pointer of the host means nothing to a job.
// Refused with: pass a buffer
#include <rota/rota.hpp>

rota_job made();
rota_job made() {
#ifdef WRONG
    return rota::job(1).arg(&made);
#else
    return rota::job(1).arg(rota::buffer<int>());
#endif
}
