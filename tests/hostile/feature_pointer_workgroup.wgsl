// Takes a pointer to the scratch array as a parameter.
// expect: rejected "of space WorkGroup"
// handler: scalar attack args=OWN

fn inner(p: ptr<workgroup, array<atomic<u32>, 2048>>) -> u32 {
    return atomicLoad(&(*p)[0]);
}

fn attack() {
    result(0u, 1u);
}
