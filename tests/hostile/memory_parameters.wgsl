// Hands an array of 32 KiB by value.
// expect: rejected "a value may have at most 4096 bytes"
// handler: scalar attack args=OWN

fn inner(a: array<u32, 8192>) -> u32 {
    return a[5];
}

fn attack() {
    result(0u, inner(array<u32, 8192>()));
}
