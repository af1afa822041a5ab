// Runs the atomics that compare as signed numbers through a buffer that was resolved for reading.
// expect: fault READ_ONLY
// handler: scalar read_only_atomics_i32 args=OWN,9
// handler: scalar read_only_atomics_i32 args=OWN,10

fn read_only_atomics_i32() {
    let b = buffer(arg(0u));
    var old = 0u;
    switch arg(1u) {
        case 9u: { old = bitcast<u32>(atomic_min_i32(b, 1u, -1)); }
        case 10u: { old = bitcast<u32>(atomic_max_i32(b, 1u, 0x7fffffff)); }
        default: { }
    }
    result(0u, old);
}
