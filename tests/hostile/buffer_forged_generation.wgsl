// Takes its own buffer's index with another generation.
// expect: fault INVALID_BUFFER
// handler: scalar buffer_forged_generation args=OWN+0x10000
// handler: scalar buffer_forged_generation args=OWN-0x10000
// handler: scalar buffer_forged_generation args=OWN^0x80000000
// handler: scalar buffer_forged_generation args=OWN^0x7fff0000
// handler: scalar buffer_forged_generation args=DEAD+0x20000

fn buffer_forged_generation() {
    let b = buffer_mut(arg(0u));
    store_u32(b, 0u, 0xdeadbeefu);
    result(0u, load_u32(b, 0u));
    result(1u, size(b));
}
