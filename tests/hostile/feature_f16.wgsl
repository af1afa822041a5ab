// Uses half precision.
// expect: rejected "`f16` enable extension"
// handler: scalar attack args=OWN

fn attack() {
    let x = f16(1.5);
    result(0u, u32(x));
}
