// Has an array of no length.
// expect: rejected "element count must be positive"
// handler: scalar attack args=OWN

var<private> a: array<u32, 0>;

fn attack() {
    result(0u, a[arg(0u)]);
}
