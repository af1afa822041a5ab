// Has an array of 16 MiB that is no variable, and indexes it.
// expect: rejected "a value may have at most 4096 bytes"
// handler: scalar attack args=OWN

fn attack() {
    let huge = array<u32, 4194304>();
    result(0u, huge[arg(0u)]);
}
