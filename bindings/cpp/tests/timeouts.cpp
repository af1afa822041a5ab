// Any std::chrono duration is a timeout: exact where it fits, rounded up to nanoseconds, 0 for
// negative ones, forever for what is too long.
#include "check.hpp"

namespace {

using namespace std::chrono_literals;
using rota::timeout;

static_assert(timeout().ns() == 0);
static_assert(timeout(0s).ns() == 0 && timeout(-5s).ns() == 0);
static_assert(timeout(1ns).ns() == 1 && timeout(3us).ns() == 3000 &&
              timeout(2s).ns() == 2000000000);
static_assert(timeout(std::chrono::nanoseconds::max()).ns() == 0x7fffffffffffffff);
static_assert(timeout(std::chrono::hours::max()).ns() == ROTA_FOREVER);
static_assert(timeout(std::chrono::hours::min()).ns() == 0);
static_assert(timeout(std::chrono::duration<std::uint64_t, std::nano>(ROTA_FOREVER - 1)).ns() ==
              ROTA_FOREVER - 1);
static_assert(timeout(std::chrono::duration<int, std::pico>(1)).ns() == 1);
static_assert(timeout(std::chrono::duration<int, std::pico>(1001)).ns() == 2);
static_assert(timeout(std::chrono::duration<std::uint64_t, std::ratio<1, 3>>(1)).ns() == 333333334);
static_assert(timeout(1.5ms).ns() == 1500000 && timeout(0.1ns).ns() == 1);
static_assert(timeout(std::chrono::duration<double>(1e300)).ns() == ROTA_FOREVER);
static_assert(timeout(std::chrono::duration<float>(-1)).ns() == 0);
static_assert(rota::forever.ns() == ROTA_FOREVER);

} // namespace

int main() {
    const double infinite = std::numeric_limits<double>::infinity();
    EQUAL(timeout(std::chrono::duration<double>(infinite)).ns(), ROTA_FOREVER);
    EQUAL(timeout(std::chrono::duration<double>(-infinite)).ns(), 0);
    EQUAL(timeout(std::chrono::duration<double>(infinite - infinite)).ns(), 0);
    return 0;
}
