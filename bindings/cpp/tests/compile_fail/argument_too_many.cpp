// A job has ten argument words.
// Refused with: a job has 10 argument words
#include <rota/rota.hpp>

rota_job made();
rota_job made() {
#ifdef WRONG
    return rota::job(1).arg64(1).arg64(2).arg64(3).arg64(4).arg64(5).arg(6);
#else
    return rota::job(1).arg64(1).arg64(2).arg64(3).arg64(4).arg(5).arg(6);
#endif
}
