// Has a loop that only a return leaves, which never comes.
// expect: fault FUEL_EXHAUSTED
// handler: tiled loop_left_by_return tiles=6 fuel=100 args=OWN
// result: 0 0

fn loop_left_by_return() {
    var n = 1u;
    loop {
        n = n * 3u;
        if (n == 0u) {
            result(0u, 1u);
            return;
        }
    }
}
