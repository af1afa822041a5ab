// Meets where it may: at the top, in a block, and in a function called at the top.
// expect: contained
// handler: tiled barrier_at_top tiles=5 args=OWN
// result: 0 0

fn meet() {
    barrier();
}

fn barrier_at_top() {
    scratch_store(lane(), tile() * 1000u + lane());
    barrier();
    let next = (lane() + 1u) % lanes();
    let bad = scratch_load(next) != tile() * 1000u + next;
    meet();
    scratch_store(lane(), 5u);
    {
        meet();
    }
    result_max(0u, select(0u, 1u, bad | (scratch_load(next) != 5u)));
}
