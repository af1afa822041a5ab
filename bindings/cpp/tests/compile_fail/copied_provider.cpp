// One provider has one owner.
// Refused with: deleted
#include <rota/rota.hpp>

using one = rota::metrics_provider;
void take(one &from);
void take(one &from) {
#ifdef WRONG
    one copy(from);
#else
    one &copy = from;
#endif
    static_cast<void>(copy);
}
