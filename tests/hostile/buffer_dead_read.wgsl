// Reads a buffer that was destroyed before the job was submitted.
// expect: fault INVALID_BUFFER
// handler: scalar buffer_dead_read args=DEAD
// handler: tiled buffer_dead_read tiles=3 args=DEAD

fn buffer_dead_read() {
    let b = buffer(arg(0u));
    result_max(0u, load_u32(b, lane()));
    result_max(1u, size(b));
}
