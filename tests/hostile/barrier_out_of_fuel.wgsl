// Meets when some lanes are out of fuel, and others not.
// expect: fault FUEL_EXHAUSTED
// handler: tiled barrier_out_of_fuel tiles=4 fuel=50 args=OWN
// result: 7 0

fn barrier_out_of_fuel() {
    var n = 0u;
    while (lane() == 0u && n < 0xffffffffu) {
        n += 1u;
    }
    scratch_store(lane(), 7u);
    barrier();
    result_max(0u, scratch_load((lane() + 1u) % lanes()));
}
