// Shifts by a constant 32.
// expect: rejected "RHS of shift operation"
// handler: scalar attack args=OWN

fn attack() {
    result(0u, 1u << 32u);
}
