// Brings an entry point of its own.
// expect: rejected "is an entry point"
// handler: scalar attack args=OWN

@compute @workgroup_size(64)
fn main() {
    result(0u, 1u);
}

fn attack() {
}
