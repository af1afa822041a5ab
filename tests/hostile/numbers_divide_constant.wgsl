// Divides by a constant zero.
// expect: rejected "Division by zero"
// handler: scalar attack args=OWN

fn attack() {
    result(0u, 1u / 0u);
}
