// Makes an index of a float that is not a number, and goes out of bounds with it or stays.
// expect: fault OUT_OF_BOUNDS
// handler: scalar numbers_nan_as_index args=OWN,0x7fc00000
// handler: scalar numbers_nan_as_index args=OWN,0x7f800000
// handler: scalar numbers_nan_as_index args=OWN,0xff800000

fn numbers_nan_as_index() {
    let b = buffer(arg(0u));
    let i = u32(bitcast<f32>(arg(1u)));
    let seen = load_u32(b, i | 64u);
    result(0u, seen);
}
