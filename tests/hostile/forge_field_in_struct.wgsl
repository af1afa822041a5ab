// Names a field of a buffer in a struct.
// expect: rejected "a Buffer can't be made by hand"
// handler: scalar attack args=OWN

struct Box {
    b: Buffer,
}

fn attack() {
    var box = Box(buffer(arg(0u)));
    box.b.segment = 3u;
    result(0u, load_u32(box.b, 0u));
}
