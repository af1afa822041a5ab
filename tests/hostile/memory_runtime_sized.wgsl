// Has a local array of which the length is found at run time.
// expect: rejected "can't be stored in a local variable"
// handler: scalar attack args=OWN

fn attack() {
    var a: array<u32>;
    a[0] = 1u;
    result(0u, a[arg(0u)]);
}
