// Hands a struct of the same layout to an accessor.
// expect: rejected "doesn't match the type"
// handler: scalar attack args=OWN

struct Fake {
    base: u32,
    bytes: u32,
    writable: u32,
    segment: u32,
}

fn attack() {
    let b = Fake(0u, 0xffffffffu, 0xffffffffu, 0u);
    result(0u, load_u32(b, 0u));
}
