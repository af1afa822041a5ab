// Meets in a function that a scalar handler calls.
// expect: rejected "but a scalar handler has just one"
// handler: scalar attack args=OWN

fn inner() {
    barrier();
}

fn attack() {
    inner();
}
