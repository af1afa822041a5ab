// Loops in the function of a for's last part.
// expect: fault FUEL_EXHAUSTED
// handler: tiled loop_update_function tiles=6 fuel=100 args=OWN
// result: 0 0

fn next(i: u32) -> u32 {
    var n = i;
    loop {
        n += 1u;
        if (n >= 7u) {
            break;
        }
    }
    return n & 1u;
}

fn loop_update_function() {
    for (var i = 0u; i < 2u; i = next(i)) {
    }
}
