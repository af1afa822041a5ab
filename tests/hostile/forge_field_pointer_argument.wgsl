// Hands a field's address to a function that writes a number.
// expect: rejected "a Buffer can't be made by hand"
// handler: scalar attack args=OWN

fn assign(p: ptr<function, u32>, v: u32) {
    *p = v;
}

fn attack() {
    var b = buffer_mut(arg(0u));
    assign(&b.bytes, 0xffffffffu);
    result(0u, load_u32(b, 64u));
}
