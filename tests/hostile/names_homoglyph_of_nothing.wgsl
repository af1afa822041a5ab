// Uses a name of the core with a Cyrillic letter, which nobody has declared.
// expect: rejected "no definition in scope"
// handler: scalar attack args=OWN

fn attack() {
    rоta_fault = 0u;
}
