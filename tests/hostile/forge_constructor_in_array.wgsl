// Makes a buffer inside of an array's constructor.
// expect: rejected "a Buffer can't be made by hand"
// handler: scalar attack args=OWN

fn attack() {
    let row = array<Buffer, 1>(Buffer(0u, 0xffffffffu, 0xffffffffu, 0u));
    result(0u, load_u32(row[0], 0u));
}
