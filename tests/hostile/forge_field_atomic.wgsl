// Names a field of a buffer as the index of an access to it.
// expect: rejected "a Buffer can't be made by hand"
// handler: scalar attack args=OWN

fn attack() {
    let b = buffer_mut(arg(0u));
    result(0u, atomic_add_u32(b, b.segment, 1u));
}
