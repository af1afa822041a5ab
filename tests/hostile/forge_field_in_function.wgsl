// Hands a buffer's address to a function that writes a field.
// expect: rejected "a Buffer can't be made by hand"
// handler: scalar attack args=OWN

fn stretch(p: ptr<function, Buffer>) {
    (*p).bytes = 0xffffffffu;
}

fn attack() {
    var b = buffer_mut(arg(0u));
    stretch(&b);
    result(0u, load_u32(b, 64u));
}
