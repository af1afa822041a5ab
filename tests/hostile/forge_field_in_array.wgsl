// Names a field of a buffer in an array, by a computed index.
// expect: rejected "a Buffer can't be made by hand"
// handler: scalar attack args=OWN

fn attack() {
    var row = array<Buffer, 2>(buffer(arg(0u)), buffer(arg(0u)));
    row[arg(1u) & 1u].bytes = 0xffffffffu;
    result(0u, load_u32(row[0], 64u));
}
