// Waits for a word of its buffer that nobody changes.
// expect: fault FUEL_EXHAUSTED
// handler: tiled loop_over_memory tiles=6 fuel=100 args=OWN
// result: 0 0

fn loop_over_memory() {
    let b = buffer(arg(0u));
    while (load_u32(b, 0u) != 1u) {
    }
}
