// Declares the prelude's arg anew.
// expect: rejected "redefinition of"
// handler: scalar attack args=OWN

const arg = 5u;

fn attack() {
}
