// Uses a buffer that nothing was assigned to: it has no length.
// expect: fault OUT_OF_BOUNDS
// handler: scalar forge_zero_value args=OWN
// handler: tiled forge_zero_value tiles=3 args=OWN

fn forge_zero_value() {
    var b: Buffer;
    result_max(0u, load_u32(b, 0u));
    result_max(1u, size(b));
    store_u32(b, 0u, 0xdeadbeefu);
}
