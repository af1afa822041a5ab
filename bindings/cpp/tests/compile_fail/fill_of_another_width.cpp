// FILL stores words of 32 bits.
// Refused with: words of 32 bits
#include <rota/rota.hpp>

rota_job made();
rota_job made() {
#ifdef WRONG
    return rota::jobs::fill(rota::slice<double>(1, 0, 1), 1.0);
#else
    return rota::jobs::fill(rota::slice<float>(1, 0, 1), 1.0f);
#endif
}
