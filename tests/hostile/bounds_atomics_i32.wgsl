// Runs the atomics that compare as signed numbers beyond the end of its buffer, and at indices whose byte address wraps around.
// expect: fault OUT_OF_BOUNDS
// handler: scalar bounds_atomics_i32 args=OWN,9,64
// handler: scalar bounds_atomics_i32 args=OWN,9,0x40000000
// handler: scalar bounds_atomics_i32 args=OWN,10,64
// handler: scalar bounds_atomics_i32 args=OWN,10,0x40000000

fn bounds_atomics_i32() {
    let b = buffer_mut(arg(0u));
    let i = arg(2u);
    var old = 0u;
    switch arg(1u) {
        case 9u: { old = bitcast<u32>(atomic_min_i32(b, i, -1)); }
        case 10u: { old = bitcast<u32>(atomic_max_i32(b, i, 0x7fffffff)); }
        default: { }
    }
    result(0u, old);
}
