// Makes a buffer inside of a struct's constructor.
// expect: rejected "a Buffer can't be made by hand"
// handler: scalar attack args=OWN

struct Box {
    b: Buffer,
}

fn attack() {
    let box = Box(Buffer(0u, 0xffffffffu, 0xffffffffu, 0u));
    result(0u, load_u32(box.b, 0u));
}
