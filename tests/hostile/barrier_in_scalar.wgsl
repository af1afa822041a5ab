// Meets in a scalar handler, where each lane has a job of its own.
// expect: rejected "but a scalar handler has just one"
// handler: scalar attack args=OWN

fn attack() {
    barrier();
}
