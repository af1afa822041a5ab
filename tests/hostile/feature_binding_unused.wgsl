// Declares a binding and never uses it.
// expect: rejected "can't bind memory"
// handler: scalar attack args=OWN

@group(0) @binding(0) var<storage, read> ring: array<u32>;

fn attack() {
}
