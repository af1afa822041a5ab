// Reads a constant of the core that has no prefix.
// expect: rejected "no definition in scope"
// handler: scalar attack args=OWN

fn attack() {
    result(0u, KIND_CONTROL);
}
