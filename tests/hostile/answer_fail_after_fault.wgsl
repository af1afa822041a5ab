// Fails after a fault of the kernel's: the first one is told.
// expect: fault OUT_OF_BOUNDS
// handler: scalar answer_fail_after_fault args=OWN

fn answer_fail_after_fault() {
    store_u32(buffer_mut(arg(0u)), 64u, 1u);
    fail(5u);
}
