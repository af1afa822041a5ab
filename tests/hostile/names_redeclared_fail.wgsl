// Declares the prelude's fail anew.
// expect: rejected "redefinition of"
// handler: scalar attack args=OWN

struct fail {
    a: u32,
}

fn attack() {
}
