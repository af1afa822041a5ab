// Has a local array of 16 MiB.
// expect: rejected "bytes of variables"
// handler: scalar attack args=OWN

fn attack() {
    var huge: array<u32, 4194304>;
    huge[arg(0u) & 0xffu] = 1u;
    result(0u, huge[0]);
}
