// Loops in a for of which all three parts are empty.
// expect: fault FUEL_EXHAUSTED
// handler: tiled loop_for_ever tiles=6 fuel=100 args=OWN
// result: 0 0

fn loop_for_ever() {
    for (;;) {
    }
}
