// Leaves an inner function's loop by return, again and again, in a loop without an end.
// expect: fault FUEL_EXHAUSTED
// handler: tiled loop_return_in_function tiles=6 fuel=100 args=OWN
// result: 0 0

fn inner(x: u32) -> u32 {
    loop {
        if (x != 1u) {
            return x + 1u;
        }
        break;
    }
    return 3u;
}

fn loop_return_in_function() {
    var n = 0u;
    loop {
        n = inner(n);
        if (n == 0u) {
            break;
        }
        n = n & 1u;
    }
}
