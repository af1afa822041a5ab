// Adds to a word of another tenant's buffer.
// expect: fault FOREIGN_BUFFER
// handler: scalar buffer_foreign_atomic args=FOREIGN
// handler: tiled buffer_foreign_atomic_tiled tiles=4 args=FOREIGN

fn buffer_foreign_atomic() {
    let b = buffer_mut(arg(0u));
    result(0u, atomic_add_u32(b, 0u, 1u));
    result(1u, atomic_exchange_u32(b, 1u, 0xdeadbeefu));
}

fn buffer_foreign_atomic_tiled() {
    let b = buffer_mut(arg(0u));
    result_max(0u, atomic_or_u32(b, lane(), 0xffffffffu));
}
