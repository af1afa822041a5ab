// Launders a reading buffer through a variable, a struct, an array and a function, and writes through what comes out.
// expect: fault READ_ONLY
// handler: scalar read_only_by_copies args=OWN
// handler: scalar read_only_by_copies args=RO

struct Pair {
    first: Buffer,
    second: Buffer,
}

fn through(b: Buffer) -> Buffer {
    var copy = b;
    return copy;
}

fn read_only_by_copies() {
    let b = buffer(arg(0u));
    var pair = Pair(b, b);
    var row = array<Buffer, 3>(pair.first, through(pair.second), through(b));
    store_u32(row[arg(1u)], 0u, 1u);
    store_u32(through(row[1]), 1u, 1u);
    store_u32(pair.second, 2u, 1u);
}
