// Stores vec4_u8 beyond the end of its buffer, and at indices whose byte address wraps around.
// expect: fault OUT_OF_BOUNDS
// handler: scalar bounds_store_vec4_u8 args=OWN,64
// handler: scalar bounds_store_vec4_u8 args=OWN,65
// handler: scalar bounds_store_vec4_u8 args=OWN,0xffffffff
// handler: scalar bounds_store_vec4_u8 args=OWN,0x40000000
// handler: scalar bounds_store_vec4_u8 args=OWN,0x3fffffff
// handler: scalar bounds_store_vec4_u8 args=OWN,0x80000000
// handler: scalar bounds_store_vec4_u8 args=ODD,1

fn bounds_store_vec4_u8() {
    let b = buffer_mut(arg(0u));
    store_vec4_u8(b, arg(1u), vec4<u32>(0xa5u));
}
