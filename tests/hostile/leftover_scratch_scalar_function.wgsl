// Writes scratch in a function two calls below a scalar handler, so that a neighbour's lane finds it.
// expect: rejected "which scalar handlers don't have"
// handler: scalar attack args=OWN

fn innermost(i: u32) -> u32 {
    return scratch_add(i, 1u);
}

fn inner(i: u32) -> u32 {
    return innermost(i) + 1u;
}

fn attack() {
    result(0u, inner(arg(0u)));
}
