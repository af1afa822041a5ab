// Has fuel for one pass, and wants two.
// expect: fault FUEL_EXHAUSTED
// handler: tiled loop_fuel_of_one tiles=3 fuel=1 args=OWN
// result: 0 0

fn loop_fuel_of_one() {
    for (var i = 0u; i < 2u; i += 1u) {
    }
}
