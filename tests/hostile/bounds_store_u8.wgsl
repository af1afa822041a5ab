// Stores u8 beyond the end of its buffer, and at indices whose byte address wraps around.
// expect: fault OUT_OF_BOUNDS
// handler: scalar bounds_store_u8 args=OWN,256
// handler: scalar bounds_store_u8 args=OWN,257
// handler: scalar bounds_store_u8 args=OWN,0xffffffff
// handler: scalar bounds_store_u8 args=OWN,0xfffffffe
// handler: scalar bounds_store_u8 args=OWN,0x80000000
// handler: scalar bounds_store_u8 args=OWN,0x7fffffff
// handler: scalar bounds_store_u8 args=ODD,5

fn bounds_store_u8() {
    let b = buffer_mut(arg(0u));
    store_u8(b, arg(1u), 0xa5u);
}
