// Hands a handle to an accessor instead of a buffer.
// expect: rejected "doesn't match the type"
// handler: scalar attack args=OWN

fn attack() {
    result(0u, load_u32(arg(0u), 0u));
}
