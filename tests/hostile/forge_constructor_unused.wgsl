// Makes a buffer in a function that no handler calls.
// expect: rejected "a Buffer can't be made by hand"
// handler: scalar attack args=OWN

fn unused() -> Buffer {
    return Buffer(0u, 0xffffffffu, 0xffffffffu, 0u);
}

fn attack() {
    result(0u, 1u);
}
