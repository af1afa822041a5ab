// Has local arrays in functions that are each small enough, and too large together.
// expect: rejected "bytes of variables"
// handler: scalar attack args=OWN

fn one(x: u32) -> u32 {
    var a: array<u32, 2048>;
    a[x & 2047u] = x;
    return a[0];
}

fn two(x: u32) -> u32 {
    var a: array<u32, 2048>;
    a[x & 2047u] = one(x);
    return a[1];
}

fn attack() {
    var a: array<u32, 2048>;
    a[arg(1u) & 2047u] = two(arg(1u));
    result(0u, a[2]);
}
