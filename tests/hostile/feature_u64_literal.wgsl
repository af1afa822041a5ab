// Uses a 64-bit literal.
// expect: rejected "`u64` values"
// handler: scalar attack args=OWN

fn attack() {
    let x = 5lu;
    result(0u, u32(x));
}
