// Arguments are packed bit for bit as rota.h says, at compile time where the values are known.
#include "setup.hpp"

namespace {

enum class colour : std::uint8_t { green = 9 };

constexpr rota_job packed = rota::job(ROTA_OP_SAXPY_F32)
                                .tiles(4)
                                .arg(7u)
                                .arg(-1)
                                .arg(2.5f)
                                .arg64(0x1122334455667788ull)
                                .arg64(-2ll)
                                .arg64(1.0)
                                .arg(colour::green)
                                .fuel(1000)
                                .user_data(42)
                                .barrier()
                                .timing();
static_assert(packed.opcode == ROTA_OP_SAXPY_F32 && packed.tiles == 4 && packed.fuel == 1000);
static_assert(packed.flags == (ROTA_JOB_BARRIER | ROTA_JOB_TIMING) && packed.user_data == 42);
static_assert(packed.args[0] == 7 && packed.args[1] == 0xffffffff);
static_assert(packed.args[2] == 0x40200000); // 2.5f
static_assert(packed.args[3] == 0x55667788 && packed.args[4] == 0x11223344);
static_assert(packed.args[5] == 0xfffffffe && packed.args[6] == 0xffffffff);
static_assert(packed.args[7] == 0 && packed.args[8] == 0x3ff00000); // 1.0
static_assert(packed.args[9] == 9);

constexpr rota_job least = rota::job(ROTA_OP_NOP).after_ok();
static_assert(least.tiles == 1 && least.flags == ROTA_JOB_AFTER_OK && least.args[9] == 0);

// A job has one class: the last one that it was given.
constexpr rota_job behind = rota::job(ROTA_OP_NOP).normal().timing().background();
constexpr rota_job level = rota::job(ROTA_OP_NOP).barrier().background().normal();
static_assert(behind.flags == (ROTA_JOB_BACKGROUND | ROTA_JOB_TIMING) && behind.tiles == 1);
static_assert(level.flags == (ROTA_JOB_NORMAL | ROTA_JOB_BARRIER));

} // namespace

int main() {
    const auto runtime = open_runtime();
    const auto tenant = create_tenant(runtime);
    const auto buffer = MUST(tenant.create_buffer<float>(16));

    const rota_job with_buffer = rota::job(ROTA_OP_FILL).arg(buffer).arg(buffer.part(4, 2));
    EQUAL(with_buffer.args[0], buffer.id());
    EQUAL(with_buffer.args[1], buffer.id());
    const rota_job tiled = rota::job(ROTA_OP_FILL).tiles_for(1 << 20);
    EQUAL(tiled.tiles, ::rota_tiles(ROTA_OP_FILL, 1 << 20));
    CHECK(tiled.tiles > 1);

    // What was built is what the device gets: -0.0f and a NaN's bits survive.
    const float nan = rota::detail::bits_of<float>(0x7fc12345u);
    const auto done = MUST(tenant.run(rota::job(ROTA_OP_NOP).arg(-0.0f).arg(nan)));
    EQUAL(done.results[0], 0x80000000);
    EQUAL(done.results[1], 0x7fc12345);

    // The completion reads them back in the same way.
    const auto whole = MUST(tenant.run(rota::job(ROTA_OP_NOP).arg64(3.25)));
    CHECK(whole.f64() == 3.25);
    const auto half = MUST(tenant.run(rota::job(ROTA_OP_NOP).arg(1.5f).arg(-8.0f)));
    CHECK(half.f32() == 1.5f && half.f32(1) == -8.0f);

    // Fuel is reported with timing, and the flags reach the library.
    const auto timed = MUST(tenant.run(rota::jobs::spin(500).timing()));
    CHECK(timed.fuel > 0 && timed.end_epoch >= timed.begin_epoch);
    return 0;
}
