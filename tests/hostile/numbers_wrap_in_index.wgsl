// Computes indices that wrap around in 32 bits to where the neighbours' buffers lie.
// expect: fault OUT_OF_BOUNDS
// handler: scalar numbers_wrap_in_index args=OWN,0x10000,0x10000
// handler: scalar numbers_wrap_in_index args=OWN,0xffffffff,0x3fffffff

fn numbers_wrap_in_index() {
    let b = buffer_mut(arg(0u));
    // 0 and 0xc0000001 are what the products are in 32 bits.
    let i = arg(1u) * arg(2u) - 1u;
    store_u32(b, i, 0xdeadbeefu);
    store_u32(b, i - 15u, 0xdeadbeefu);
    result(0u, load_u32(b, i) | load_u32(b, 0u - 16u));
}
