// Reads a neighbour's job in a scalar handler, by a shuffle.
// expect: rejected "but a scalar handler has just one"
// handler: scalar attack args=OWN

fn attack() {
    result(0u, subgroupShuffle(arg(0u), 1u));
}
