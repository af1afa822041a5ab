// Reads another tenant's buffer byte by byte, after a range check that a buffer of no length passes.
// expect: fault FOREIGN_BUFFER
// handler: scalar buffer_foreign_bytes args=FOREIGN

fn buffer_foreign_bytes() {
    let b = buffer(arg(0u));
    if (check_range(b, 0u, 0u, 1u)) {
        result(0u, load_u8(b, 0u) | load_bytes(b, 1u) | load_u16(b, 1u));
    }
}
