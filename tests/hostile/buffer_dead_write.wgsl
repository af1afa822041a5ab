// Writes into a buffer that was destroyed before the job was submitted.
// expect: fault INVALID_BUFFER
// handler: scalar buffer_dead_write args=DEAD
// handler: tiled buffer_dead_write tiles=3 args=DEAD

fn buffer_dead_write() {
    let b = buffer_mut(arg(0u));
    store_vec4_u32(b, lane(), vec4<u32>(0xdeadbeefu));
    result_max(0u, atomic_add_u32(b, 0u, 1u));
}
