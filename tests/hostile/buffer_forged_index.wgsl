// Takes its own buffer's generation with its neighbours' indices.
// expect: fault INVALID_BUFFER|FOREIGN_BUFFER
// handler: scalar buffer_forged_index args=FOREIGN+0x10000
// handler: scalar buffer_forged_index args=FOREIGN-0x10000
// handler: scalar buffer_forged_index args=FOREIGN^0xffff0000
// handler: scalar buffer_forged_index args=FOREIGN^0x8000

fn buffer_forged_index() {
    let b = buffer_mut(arg(0u));
    store_u32(b, 0u, 0xdeadbeefu);
    result(0u, load_u32(b, 0u));
    result(1u, size(b));
}
