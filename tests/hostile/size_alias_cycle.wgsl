// Declares a type as itself.
// expect: rejected "is cyclic"
// handler: scalar attack args=OWN

alias A = B;
alias B = array<A, 2>;

fn attack() {
    var it: A;
}
