// Loops for ever in a function that it calls.
// expect: fault FUEL_EXHAUSTED
// handler: tiled loop_in_function tiles=6 fuel=100 args=OWN
// result: 0 0

fn inner() -> u32 {
    var n = 0u;
    while (n < 0xffffffffu) {
        n |= 1u;
    }
    return n;
}

fn loop_in_function() {
    result_max(0u, inner() >> 1u);
}
