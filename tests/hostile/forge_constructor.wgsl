// Makes a buffer of all of the first segment.
// expect: rejected "a Buffer can't be made by hand"
// handler: scalar attack args=OWN

fn attack() {
    let b = Buffer(0u, 0xffffffffu, 0xffffffffu, 0u);
    result(0u, load_u32(b, 0u));
}
