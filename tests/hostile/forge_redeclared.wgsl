// Declares a Buffer of its own, in the hope that accessors take it.
// expect: rejected "redefinition of"
// handler: scalar attack args=OWN

struct Buffer {
    base: u32,
    bytes: u32,
    writable: u32,
    segment: u32,
}

fn attack() {
    var b: Buffer;
    b.bytes = 0xffffffffu;
    result(0u, load_u32(b, 0u));
}
