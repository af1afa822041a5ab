// Has a private array of a word more than 16 KiB.
// expect: rejected "bytes of variables"
// handler: scalar attack args=OWN

var<private> big: array<u32, 4097>;

fn attack() {
    result(0u, big[arg(0u) & 0xffu]);
}
