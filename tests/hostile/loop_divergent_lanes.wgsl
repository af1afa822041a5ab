// Lets each lane loop for a time of its own, one of them for ever.
// expect: fault FUEL_EXHAUSTED
// handler: scalar loop_divergent_lanes fuel=300 args=OWN
// result: 0 0
// handler: tiled loop_divergent_lanes tiles=6 fuel=100 args=OWN
// result: 0 0

fn loop_divergent_lanes() {
    let stop = select(lane() + 1u, 0xffffffffu, lane() + 1u == lanes());
    var n = 0u;
    while (n != stop) {
        n = (n + 1u) & 0xffffu;
    }
    result_max(0u, select(0u, 1u, n > 1000u));
}
