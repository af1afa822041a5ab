// Declares the prelude's barrier anew.
// expect: rejected "redefinition of"
// handler: scalar attack args=OWN

fn barrier() {
}

fn attack() {
}
