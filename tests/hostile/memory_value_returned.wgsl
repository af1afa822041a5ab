// Returns an array of 1 MiB from a function.
// expect: rejected "a value may have at most 4096 bytes"
// handler: scalar attack args=OWN

fn given() -> array<u32, 262144> {
    return array<u32, 262144>();
}

fn attack() {
    result(0u, given()[arg(0u)]);
}
