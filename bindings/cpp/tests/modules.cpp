// Modules: loaded, replaced, granted and unloaded; what keeps what alive; what is refused, and says
// so.
#include "setup.hpp"

#include <optional>
#include <string>

namespace {

constexpr std::uint32_t scale = rota::first_opcode;
constexpr std::uint32_t add = rota::first_opcode + 1;

// `scale` multiplies its argument, `add` adds to each word of a buffer, both by `n`.
std::string source(int n) {
    return "const N = " + std::to_string(n) + R"(u;
        fn scale() { result(0u, arg(0u) * N); }
        fn add() {
            let b = buffer_mut(arg(0u));
            let i = tile() * lanes() + lane();
            if (i < size(b) / 4u) { store_u32(b, i, load_u32(b, i) + N); }
        })";
}

rota::module_options options(std::string_view text) {
    return {text, {{scale, "scale"}, {add, "add", rota::handler_kind::tiled, 1000}}, "test.wgsl"};
}

void answers(const rota::tenant &tenant, std::uint32_t n, std::uint32_t version) {
    const auto done = MUST(tenant.run(rota::job(scale).arg(6).timing()));
    CHECK(done.ok());
    EQUAL(done.results[0], 6 * n);
    EQUAL(done.module_version, version);
}

void has_none(const rota::tenant &tenant) {
    FAILS(tenant.run(rota::job(scale).arg(6)), rota::status::invalid_opcode, "0x1000");
}

void of_a_tenant(const rota::runtime &runtime) {
    const auto tenant = create_tenant(runtime);
    auto module = MUST(tenant.load(options(source(7))));
    CHECK(module && module.id() != 0);
    EQUAL(module.report().version, 1);
    CHECK(module.report().compile_ns > 0);
    answers(tenant, 7, 1);

    const std::vector<std::uint32_t> words(100, 5);
    const auto buffer = MUST(tenant.create_buffer_of(words));
    const std::uint32_t lanes = MUST(runtime.info()).subgroup_size;
    CHECK(MUST(tenant.run(rota::job(add).arg(buffer).tiles(100 / lanes + 1))).ok());
    EQUAL(MUST(buffer.read())[99], 12);

    EQUAL(MUST(module.replace(options(source(9)))).version, 2);
    answers(tenant, 9, 2);

    // What is refused changes nothing.
    FAILS(tenant.load(options(source(1))), rota::status::opcode_taken, "0x1000");
    FAILS(module.replace(options("fn scale( {}")), rota::status::invalid_module, "--> test.wgsl:1");
    FAILS(module.replace({source(1), {}}), rota::status::invalid_argument, "handler");
    FAILS(tenant.load({source(1), {{1, "scale"}}}), rota::status::invalid_opcode, "0x1");
    FAILS(module.grant(tenant), rota::status::invalid_argument, "runtime::load");
    const auto odd = rota::handler_kind(7);
    FAILS(tenant.load({source(1), {{scale + 5, "scale", odd}}}), rota::status::invalid_argument,
          "7");
    answers(tenant, 9, 2);

    MUST(module.unload());
    CHECK(!module);
    MUST(module.unload());
    FAILS(module.replace(options(source(9))), rota::status::invalid_handle, "");
    has_none(tenant);
}

void of_the_runtime(const rota::runtime &runtime) {
    const auto one = create_tenant(runtime), two = create_tenant(runtime);
    std::optional<rota::module> module(MUST(runtime.load(options(source(9)))));
    has_none(one);
    MUST(module->grant(one));
    MUST(module->grant(two));
    FAILS(module->grant(two), rota::status::opcode_taken, "0x1000");
    answers(one, 9, 1);
    answers(two, 9, 1);
    EQUAL(MUST(module->replace(options(source(7)))).version, 2);
    answers(two, 7, 2);
    MUST(module->unload(std::chrono::seconds(5)));
    has_none(one);
    has_none(two);
}

void ownership(const rota::runtime &runtime) {
    // A module keeps its tenant alive, and unloads when it is gone.
    std::optional<rota::tenant> tenant(create_tenant(runtime));
    std::optional<rota::module> module(MUST(tenant->load(options(source(7)))));
    rota::module moved = std::move(*module);
    constexpr auto none = rota::status::null_pointer;
    CHECK(moved && !*module);
    FAILS(module->replace(options(source(7))), none, "");
    FAILS(module->grant(*tenant), none, "");
    MUST(module->unload());
    module.reset();
    answers(*tenant, 7, 1);

    auto *const same = &moved; // a self-move changes nothing
    moved = std::move(*same);
    answers(*tenant, 7, 1);
    moved = rota::module(); // assigning over a live one unloads it
    has_none(*tenant);

    moved = MUST(tenant->load(options(source(7))));
    answers(*tenant, 7, 1);
    tenant.reset();
    EQUAL(MUST(runtime.info()).tenants, 1);
    { const rota::module last = std::move(moved); }
    moved = rota::module();
    EQUAL(MUST(runtime.info()).tenants, 0);

    // The destructor lets jobs that were accepted finish.
    const auto busy_one = create_tenant(runtime);
    const busy work(busy_one);
    rota::ticket last = 0;
    {
        const auto loaded = MUST(busy_one.load(options(source(7))));
        MUST(busy_one.submit(work.job()));
        last = MUST(busy_one.submit(rota::job(scale).arg(3).barrier()));
    }
    EQUAL(MUST(busy_one.wait(last)).results[0], 21);
    has_none(busy_one);
}

void fuel_and_windows(const rota::runtime &runtime) {
    rota::tenant_options narrow;
    narrow.opcodes = 2;
    narrow.fuel = 300;
    const auto tenant = MUST(runtime.create_tenant(narrow));
    const std::string_view endless = "fn scale() { loop {} }";
    FAILS(tenant.load({endless, {{scale + 2, "scale"}}}), rota::status::invalid_opcode, "0x1001");
    const auto module = MUST(tenant.load({endless, {{scale, "scale"}}}));
    const auto done = MUST(tenant.run(rota::job(scale).timing()));
    CHECK(done.why() == rota::fault::fuel_exhausted && done.fuel <= 300 && done.fuel > 200);
    // The runtime's options cap what a job may ask for.
    EQUAL(MUST(runtime.info()).most_scalar_fuel, 2000);
    FAILS(tenant.run(rota::job(scale).fuel(2001)), rota::status::invalid_argument, "2000");
}

} // namespace

int main() {
    auto opened = test_options();
    opened.most_fuel = 2000;
    const auto runtime = MUST(rota::runtime::open(opened));
    of_a_tenant(runtime);
    of_the_runtime(runtime);
    ownership(runtime);
    fuel_and_windows(runtime);
    return 0;
}
