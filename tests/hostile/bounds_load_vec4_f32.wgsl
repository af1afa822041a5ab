// Loads vec4_f32 beyond the end of its buffer, and at indices whose byte address wraps around.
// expect: fault OUT_OF_BOUNDS
// handler: scalar bounds_load_vec4_f32 args=OWN,16
// handler: scalar bounds_load_vec4_f32 args=OWN,0xffffffff
// handler: scalar bounds_load_vec4_f32 args=OWN,0x10000000
// handler: scalar bounds_load_vec4_f32 args=OWN,0x20000000
// handler: scalar bounds_load_vec4_f32 args=RO,0x10000000
// handler: scalar bounds_load_vec4_f32 args=ODD,1

fn bounds_load_vec4_f32() {
    let b = buffer(arg(0u));
    let v = bitcast<vec4<u32>>(load_vec4_f32(b, arg(1u)));
    result(0u, v.x | v.y | v.z | v.w);
}
