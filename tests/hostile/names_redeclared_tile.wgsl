// Declares the prelude's tile anew.
// expect: rejected "redefinition of"
// handler: scalar attack args=OWN

fn tile() -> u32 {
    return 0xffffffffu;
}

fn attack() {
}
