// Counts an unsigned number down to below zero.
// expect: fault FUEL_EXHAUSTED
// handler: tiled loop_unsigned_counts_down tiles=6 fuel=100 args=OWN
// result: 0 0

fn loop_unsigned_counts_down() {
    var n = 0u;
    for (var i = 5u; i >= 0u; i -= 1u) {
        n += 1u;
    }
    result_max(0u, n >> 10u);
}
