// Asks what the neighbours' jobs are, in a scalar handler.
// expect: rejected "but a scalar handler has just one"
// handler: scalar attack args=OWN

fn attack() {
    result(0u, select(0u, 1u, subgroupAny(arg(0u) != 7u)));
}
