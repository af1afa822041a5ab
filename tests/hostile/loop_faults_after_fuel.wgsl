// Runs out of fuel first and then out of bounds: the first fault of a lane is told.
// expect: fault FUEL_EXHAUSTED
// handler: tiled loop_faults_after_fuel tiles=6 fuel=100 args=OWN
// result: 0 0

fn loop_faults_after_fuel() {
    let b = buffer_mut(arg(0u));
    for (;;) {
        if (arg(9u) == 1u) {
            break;
        }
    }
    store_u32(b, 64u, 1u);
    fail(1u);
}
