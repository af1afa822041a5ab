// Declares functions, types, constants and variables of the names that the core has: they are its own.
// expect: contained
// handler: scalar main copies=9 args=OWN
// result: 1111 0

const KIND_CONTROL: u32 = 1u;
const NO_SLOT = 10u;

struct Sight {
    kind: u32,
}

var<private> w_fuel: u32 = 100u;

fn raise_done(tenant: u32, n: u32) -> u32 {
    return tenant + n;
}

fn complete(mine: bool) -> u32 {
    return select(0u, 1000u, mine);
}

fn fence() {
}

fn run_light() {
    w_fuel += 0u;
}

fn look_at() -> Sight {
    return Sight(KIND_CONTROL);
}

fn main() {
    fence();
    run_light();
    result(0u, look_at().kind + NO_SLOT + w_fuel + complete(true) + raise_done(0u, 0u));
}
