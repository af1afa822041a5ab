// Has a private array of 16 MiB.
// expect: rejected "bytes of variables"
// handler: scalar attack args=OWN

var<private> huge: array<u32, 4194304>;

fn attack() {
    result(0u, huge[arg(0u) & 0xffu]);
}
