// Loads i32 beyond the end of its buffer, and at indices whose byte address wraps around.
// expect: fault OUT_OF_BOUNDS
// handler: scalar bounds_load_i32 args=OWN,64
// handler: scalar bounds_load_i32 args=OWN,0xffffffff
// handler: scalar bounds_load_i32 args=OWN,0x40000000
// handler: scalar bounds_load_i32 args=OWN,0xc0000001
// handler: scalar bounds_load_i32 args=RO,0x40000000
// handler: scalar bounds_load_i32 args=ODD,1

fn bounds_load_i32() {
    let b = buffer(arg(0u));
    result(0u, bitcast<u32>(load_i32(b, arg(1u))));
}
