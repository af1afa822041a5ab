// Uses double precision.
// expect: rejected "`f64` values"
// handler: scalar attack args=OWN

fn attack() {
    let x = f64(1.5);
    result(0u, u32(x));
}
