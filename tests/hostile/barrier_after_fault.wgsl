// Meets after some lanes have faulted.
// expect: fault OUT_OF_BOUNDS
// handler: tiled barrier_after_fault tiles=4 args=OWN
// result: 7 0

fn barrier_after_fault() {
    let b = buffer_mut(arg(0u));
    store_u32(b, select(64u, 0xffffffffu, lane() == 0u), 1u);
    scratch_store(lane(), 7u);
    barrier();
    result_max(0u, scratch_load((lane() + 1u) % lanes()));
}
