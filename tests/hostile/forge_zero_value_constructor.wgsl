// Uses Buffer(): it has no length, or may not be written so.
// expect: fault OUT_OF_BOUNDS
// handler: scalar forge_zero_value_constructor args=OWN

fn forge_zero_value_constructor() {
    let b = Buffer();
    result(0u, load_u32(b, 0u));
    result(1u, size(b));
}
