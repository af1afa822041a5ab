// Goes on after its first fault: stores in bounds are done, but the job stays faulted.
// expect: fault OUT_OF_BOUNDS
// handler: scalar bounds_goes_on_after_fault args=OWN
// result: 0x03020100 0
// writes: 1=0x11

fn bounds_goes_on_after_fault() {
    let b = buffer_mut(arg(0u));
    store_u32(b, 64u, 1u);
    store_u32(b, 1u, 0x11u);
    result(0u, load_u32(b, 0u));
    fail(3u);
}
