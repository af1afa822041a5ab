// Waits for a comparison with something that is not a number.
// expect: fault FUEL_EXHAUSTED
// handler: scalar loop_until_nan fuel=300 args=OWN
// result: 0 0

fn loop_until_nan() {
    let x = bitcast<f32>(0x7fc00000u | (arg(9u) & 1u));
    while (!(x > 0.0 && x < 0.0)) {
    }
}
