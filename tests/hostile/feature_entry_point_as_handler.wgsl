// Names an entry point as its handler.
// expect: rejected "is an entry point"
// handler: scalar attack args=OWN

@compute @workgroup_size(1)
fn attack() {
    result(0u, 1u);
}
