// Looks into the scratch array from a scalar handler, for what another tenant or another lane's job left there.
// expect: rejected "which scalar handlers don't have"
// handler: scalar leftover_scratch_scalar args=OWN

fn leftover_scratch_scalar() {
    var found = 0u;
    for (var i = 0u; i < 2048u; i += 1u) {
        found |= scratch_load(i);
    }
    result(0u, found);
}
