// Stores vec4_i32 beyond the end of its buffer, and at indices whose byte address wraps around.
// expect: fault OUT_OF_BOUNDS
// handler: scalar bounds_store_vec4_i32 args=OWN,16
// handler: scalar bounds_store_vec4_i32 args=OWN,0xffffffff
// handler: scalar bounds_store_vec4_i32 args=OWN,0x10000000
// handler: scalar bounds_store_vec4_i32 args=OWN,0x20000000
// handler: scalar bounds_store_vec4_i32 args=ODD,1

fn bounds_store_vec4_i32() {
    let b = buffer_mut(arg(0u));
    store_vec4_i32(b, arg(1u), vec4<i32>(-559038737));
}
