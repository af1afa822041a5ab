// Nests arrays to 2^40 words.
// expect: rejected "type is too large"
// handler: scalar attack args=OWN

fn attack() {
    var a: array<array<array<array<u32, 1024>, 1024>, 1024>, 1024>;
    result(0u, a[1][2][3][arg(0u)]);
}
