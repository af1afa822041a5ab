// Declares the prelude's result_add anew.
// expect: rejected "redefinition of"
// handler: scalar attack args=OWN

alias result_add = u32;

fn attack() {
}
