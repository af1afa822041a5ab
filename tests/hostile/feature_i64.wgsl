// Uses 64-bit numbers.
// expect: rejected "`i64` values"
// handler: scalar attack args=OWN

fn attack() {
    let x = i64(1) << 40u;
    result(0u, u32(x >> 39u));
}
