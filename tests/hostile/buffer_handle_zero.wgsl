// Resolves the handle 0, which is never a buffer.
// expect: fault INVALID_BUFFER
// handler: scalar buffer_handle_zero args=0
// handler: tiled buffer_handle_zero tiles=2 args=0

fn buffer_handle_zero() {
    let b = buffer_mut(arg(0u));
    store_u32(b, 0u, 1u);
    result_max(0u, size(b));
}
