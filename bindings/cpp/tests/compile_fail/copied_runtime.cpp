// A runtime has one owner.
// Refused with: deleted
#include <rota/rota.hpp>

rota::runtime other(const rota::runtime &one);
rota::runtime other(const rota::runtime &one) {
#ifdef WRONG
    return one;
#else
    static_cast<void>(one);
    return rota::runtime();
#endif
}
