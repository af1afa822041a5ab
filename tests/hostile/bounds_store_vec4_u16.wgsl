// Stores vec4_u16 beyond the end of its buffer, and at indices whose byte address wraps around.
// expect: fault OUT_OF_BOUNDS
// handler: scalar bounds_store_vec4_u16 args=OWN,32
// handler: scalar bounds_store_vec4_u16 args=OWN,33
// handler: scalar bounds_store_vec4_u16 args=OWN,0xffffffff
// handler: scalar bounds_store_vec4_u16 args=OWN,0x20000000
// handler: scalar bounds_store_vec4_u16 args=OWN,0x1fffffff
// handler: scalar bounds_store_vec4_u16 args=OWN,0x80000000
// handler: scalar bounds_store_vec4_u16 args=ODD,1

fn bounds_store_vec4_u16() {
    let b = buffer_mut(arg(0u));
    store_vec4_u16(b, arg(1u), vec4<u32>(0xa5a5u));
}
