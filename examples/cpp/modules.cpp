// A handler of one's own: WGSL that is loaded while the kernel runs. It softens a row of floats,
// each with its neighbours; then another version takes its place. Both are checked on the CPU.
#include <cmath>
#include <cstdio>
#include <rota/rota.hpp>
#include <string>
#include <vector>

namespace {

constexpr std::uint32_t soften = rota::first_opcode;
constexpr std::uint32_t elements_of_a_tile = 256;

// Every lane takes every lanes()-th element of its tile. What lies beyond the ends counts as 0.
const std::string source = R"(
fn at(b: Buffer, i: u32) -> f32 {
    // An index of -1 wraps: it is no element of the buffer either.
    if (i < size(b) / 4u) { return load_f32(b, i); }
    return 0.0;
}

fn soften() {
    let row = buffer(arg(0u));
    let out = buffer_mut(arg(1u));
    let first = tile() * arg(2u);
    let last = min(first + arg(2u), size(row) / 4u);
    for (var i = first + lane(); i < last; i += lanes()) {
        store_f32(out, i, (at(row, i - 1u) + MIDDLE * at(row, i) + at(row, i + 1u)) / (MIDDLE + 2.0));
    }
}
)";

std::string with_middle(int middle) {
    return "const MIDDLE = " + std::to_string(middle) + ".0;" + source;
}

// Runs the handler over a typed buffer and compares with the CPU; gives false where they differ.
bool run(const rota::tenant &tenant, const std::vector<float> &row, float middle) {
    const auto from = tenant.create_buffer_of(row).value();
    const auto to = tenant.create_buffer<float>(row.size()).value();
    const auto tiles =
        static_cast<std::uint32_t>((row.size() + elements_of_a_tile - 1) / elements_of_a_tile);
    const auto done =
        tenant
            .run(rota::job(soften).arg(from).arg(to).arg(elements_of_a_tile).tiles(tiles).timing())
            .value();
    if (!done.ok()) {
        std::printf("the job failed: %s\n", done.message());
        return false;
    }
    const auto out = to.read().value();
    for (std::size_t i = 0; i < row.size(); i++) {
        const float left = i > 0 ? row[i - 1] : 0, right = i + 1 < row.size() ? row[i + 1] : 0;
        const float wanted = (left + middle * row[i] + right) / (middle + 2);
        if (std::fabs(out[i] - wanted) > 1e-4f)
            return false;
    }
    std::printf("version %u, %zu floats in %u tiles, %u loop iterations: it agrees with the CPU\n",
                done.module_version, row.size(), tiles, done.fuel);
    return true;
}

} // namespace

int main() {
    std::vector<float> row(100'000);
    for (std::size_t i = 0; i < row.size(); i++)
        row[i] = static_cast<float>(i % 97) / 7;

    const auto runtime = rota::runtime::open().value();
    const auto tenant = runtime.create_tenant().value();
    const std::vector<rota::handler> handlers{{soften, "soften", rota::handler_kind::tiled}};
    const auto module = tenant.load({with_middle(1), handlers, "soften.wgsl"}).value();
    std::printf("loaded; the driver's compiler took %.2f s\n",
                static_cast<double>(module.report().compile_ns) / 1e9);
    bool agrees = run(tenant, row, 1);

    module.replace({with_middle(6), handlers, "soften.wgsl"}).value();
    agrees = run(tenant, row, 6) && agrees;

    // What the verifier refuses is told as a compiler would, and the version that is there stays.
    const auto refused = module.replace({"fn soften() { let n = size(row); }", handlers});
    if (refused || refused.error() != rota::status::invalid_module)
        return 1;
    std::printf("%s\n", refused.error().message());
    agrees = run(tenant, row, 6) && agrees;
    return agrees ? 0 : 1;
}
