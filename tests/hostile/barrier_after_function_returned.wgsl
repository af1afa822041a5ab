// Meets after a function in which lanes returned at different places: the handler has not returned, so all meet.
// expect: contained
// handler: tiled barrier_after_function_returned tiles=3 args=OWN
// result: 1 0

fn inner(x: u32) -> u32 {
    if (x == 0u) {
        return 1u;
    }
    return 2u;
}

fn barrier_after_function_returned() {
    scratch_store(lane(), inner(lane()));
    barrier();
    result_max(0u, scratch_load(0u));
}
