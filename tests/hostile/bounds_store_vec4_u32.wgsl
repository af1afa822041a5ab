// Stores vec4_u32 beyond the end of its buffer, and at indices whose byte address wraps around.
// expect: fault OUT_OF_BOUNDS
// handler: scalar bounds_store_vec4_u32 args=OWN,16
// handler: scalar bounds_store_vec4_u32 args=OWN,17
// handler: scalar bounds_store_vec4_u32 args=OWN,0xffffffff
// handler: scalar bounds_store_vec4_u32 args=OWN,0x10000000
// handler: scalar bounds_store_vec4_u32 args=OWN,0xfffffff
// handler: scalar bounds_store_vec4_u32 args=OWN,0x80000000
// handler: scalar bounds_store_vec4_u32 args=ODD,1

fn bounds_store_vec4_u32() {
    let b = buffer_mut(arg(0u));
    store_vec4_u32(b, arg(1u), vec4<u32>(0xdeadbeefu));
}
