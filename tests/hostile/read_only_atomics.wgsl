// Runs every atomic through a buffer that was resolved for reading.
// expect: fault READ_ONLY
// handler: scalar read_only_atomics args=OWN,0
// handler: scalar read_only_atomics args=OWN,1
// handler: scalar read_only_atomics args=OWN,2
// handler: scalar read_only_atomics args=OWN,3
// handler: scalar read_only_atomics args=OWN,4
// handler: scalar read_only_atomics args=OWN,5
// handler: scalar read_only_atomics args=OWN,6
// handler: scalar read_only_atomics args=OWN,7
// handler: scalar read_only_atomics args=OWN,8
// handler: scalar read_only_atomics args=OWN,9
// handler: scalar read_only_atomics args=OWN,10
// handler: scalar read_only_atomics args=OWN,11
// handler: tiled read_only_atomics tiles=2 args=RO,0

fn read_only_atomics() {
    let b = buffer(arg(0u));
    var old = 0u;
    switch arg(1u) {
        case 0u: { old = atomic_add_u32(b, 1u, 1u); }
        case 1u: { old = atomic_sub_u32(b, 1u, 1u); }
        case 2u: { old = atomic_min_u32(b, 1u, 0u); }
        case 3u: { old = atomic_max_u32(b, 1u, 0xffffffffu); }
        case 4u: { old = atomic_and_u32(b, 1u, 0u); }
        case 5u: { old = atomic_or_u32(b, 1u, 0xffffffffu); }
        case 6u: { old = atomic_xor_u32(b, 1u, 0xffffffffu); }
        case 7u: { old = atomic_exchange_u32(b, 1u, 7u); }
        case 8u: { old = bitcast<u32>(atomic_add_i32(b, 1u, -1)); }
        default: { old = atomic_compare_exchange_u32(b, 1u, 0x07060504u, 9u); }
    }
    result(0u, old);
}
