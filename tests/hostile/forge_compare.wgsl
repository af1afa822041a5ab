// Compares buffers, to learn where one lies relative to another.
// expect: rejected "Incompatible operands"
// handler: scalar attack args=OWN

fn attack() {
    result(0u, select(0u, 1u, buffer(arg(0u)) == buffer(arg(1u))));
}
