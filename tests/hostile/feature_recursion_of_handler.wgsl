// Calls the handler from a function that it calls.
// expect: rejected "is cyclic"
// handler: scalar attack args=OWN

fn inner() {
    attack();
}

fn attack() {
    inner();
}
