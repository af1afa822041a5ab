// Declares the prelude's buffer anew.
// expect: rejected "redefinition of"
// handler: scalar attack args=OWN

var<private> buffer: u32;

fn attack() {
}
