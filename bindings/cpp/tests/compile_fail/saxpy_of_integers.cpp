// SAXPY is for floats.
// Refused with: float
#include <rota/rota.hpp>

rota_job made();
rota_job made() {
#ifdef WRONG
    return rota::jobs::saxpy(2.0f, rota::slice<int>(1, 0, 1), rota::slice<int>(1, 0, 1));
#else
    return rota::jobs::saxpy(2.0f, rota::slice<float>(1, 0, 1), rota::slice<float>(1, 0, 1));
#endif
}
