// Loads u16 beyond the end of its buffer, and at indices whose byte address wraps around.
// expect: fault OUT_OF_BOUNDS
// handler: scalar bounds_load_u16 args=OWN,128
// handler: scalar bounds_load_u16 args=OWN,129
// handler: scalar bounds_load_u16 args=OWN,0xffffffff
// handler: scalar bounds_load_u16 args=OWN,0x80000000
// handler: scalar bounds_load_u16 args=OWN,0x7fffffff
// handler: scalar bounds_load_u16 args=OWN,0x80000001
// handler: scalar bounds_load_u16 args=RO,0xffffffff
// handler: scalar bounds_load_u16 args=ODD,2

fn bounds_load_u16() {
    let b = buffer(arg(0u));
    result(0u, load_u16(b, arg(1u)));
}
