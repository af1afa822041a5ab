// Runs every atomic beyond the end of its buffer, and at indices whose byte address wraps around.
// expect: fault OUT_OF_BOUNDS
// handler: scalar bounds_atomics args=OWN,0,64
// handler: scalar bounds_atomics args=OWN,0,0x40000000
// handler: scalar bounds_atomics args=OWN,1,64
// handler: scalar bounds_atomics args=OWN,1,0x40000000
// handler: scalar bounds_atomics args=OWN,2,64
// handler: scalar bounds_atomics args=OWN,2,0x40000000
// handler: scalar bounds_atomics args=OWN,3,64
// handler: scalar bounds_atomics args=OWN,3,0x40000000
// handler: scalar bounds_atomics args=OWN,4,64
// handler: scalar bounds_atomics args=OWN,4,0x40000000
// handler: scalar bounds_atomics args=OWN,5,64
// handler: scalar bounds_atomics args=OWN,5,0x40000000
// handler: scalar bounds_atomics args=OWN,6,64
// handler: scalar bounds_atomics args=OWN,6,0x40000000
// handler: scalar bounds_atomics args=OWN,7,64
// handler: scalar bounds_atomics args=OWN,7,0x40000000
// handler: scalar bounds_atomics args=OWN,8,64
// handler: scalar bounds_atomics args=OWN,8,0x40000000
// handler: scalar bounds_atomics args=OWN,9,64
// handler: scalar bounds_atomics args=OWN,9,0x40000000
// handler: scalar bounds_atomics args=OWN,10,64
// handler: scalar bounds_atomics args=OWN,10,0x40000000
// handler: scalar bounds_atomics args=OWN,11,64
// handler: scalar bounds_atomics args=OWN,11,0x40000000
// handler: scalar bounds_atomics args=OWN,0,0xffffffff
// handler: scalar bounds_atomics args=ODD,0,1

fn bounds_atomics() {
    let b = buffer_mut(arg(0u));
    let i = arg(2u);
    var old = 0u;
    switch arg(1u) {
        case 0u: { old = atomic_add_u32(b, i, 1u); }
        case 1u: { old = atomic_sub_u32(b, i, 1u); }
        case 2u: { old = atomic_min_u32(b, i, 0u); }
        case 3u: { old = atomic_max_u32(b, i, 0xffffffffu); }
        case 4u: { old = atomic_and_u32(b, i, 0u); }
        case 5u: { old = atomic_or_u32(b, i, 0xffffffffu); }
        case 6u: { old = atomic_xor_u32(b, i, 0xffffffffu); }
        case 7u: { old = atomic_exchange_u32(b, i, 7u); }
        case 8u: { old = bitcast<u32>(atomic_add_i32(b, i, -1)); }
        default: { old = atomic_compare_exchange_u32(b, i, 0u, 9u); }
    }
    result(0u, old);
}
