// Takes what a cut loop left for the whole: the answer is there, but the job is faulted all the same.
// expect: fault FUEL_EXHAUSTED
// handler: scalar loop_cut_short fuel=300 args=OWN
// result: 1 2
// handler: tiled loop_cut_short tiles=6 fuel=100 args=OWN
// result: 1 2

fn loop_cut_short() {
    let b = buffer(arg(0u));
    var sum = 0u;
    for (var i = 0u; i < 1000000u; i += 1u) {
        sum += load_u32(b, i & 63u) & 1u;
    }
    result(0u, 1u);
    result(1u, 2u);
}
