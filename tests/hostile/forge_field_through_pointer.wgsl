// Names a field through a pointer to a buffer.
// expect: rejected "a Buffer can't be made by hand"
// handler: scalar attack args=OWN

fn attack() {
    var b = buffer_mut(arg(0u));
    let p = &b;
    (*p).bytes = 0xffffffffu;
    result(0u, load_u32(b, 64u));
}
