// An error can't be dropped by oversight.
// Refused with: nodiscard
#include <rota/rota.hpp>

void drop(const rota::tenant &tenant);
void drop(const rota::tenant &tenant) {
#ifdef WRONG
    tenant.submit(rota::jobs::nop());
#else
    static_cast<void>(tenant.submit(rota::jobs::nop()));
#endif
}
