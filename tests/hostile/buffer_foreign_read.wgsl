// Reads another tenant's buffer by its handle.
// expect: fault FOREIGN_BUFFER
// handler: scalar buffer_foreign_read args=FOREIGN,0
// handler: scalar buffer_foreign_read args=FOREIGN,1
// handler: scalar buffer_foreign_read args=FOREIGN_RO,0

fn buffer_foreign_read() {
    let b = buffer(arg(0u));
    result(0u, load_u32(b, arg(1u)));
    result(1u, size(b));
}
