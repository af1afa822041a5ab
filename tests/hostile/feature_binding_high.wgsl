// Binds a number that the core doesn't use.
// expect: rejected "can't bind memory"
// handler: scalar attack args=OWN

@group(3) @binding(77) var<storage, read_write> other: array<atomic<u32>>;

fn attack() {
    atomicStore(&other[0], 0u);
}
