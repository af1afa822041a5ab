// Makes a buffer in a function's return.
// expect: rejected "a Buffer can't be made by hand"
// handler: scalar attack args=OWN

fn everything() -> Buffer {
    return Buffer(0u, 0xffffffffu, 0xffffffffu, 0u);
}

fn attack() {
    result(0u, load_u32(everything(), 0u));
}
