// Binds the ring memory.
// expect: rejected "can't bind memory"
// handler: scalar attack args=OWN

@group(0) @binding(0) var<storage, read_write> ring: array<u32>;

fn attack() {
    ring[0] = 0u;
}
