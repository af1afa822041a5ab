// Meets in a function that a tiled handler may call, and a scalar one calls too.
// expect: rejected "but a scalar handler has just one"
// handler: tiled attack tiles=2 args=OWN
// handler: scalar attack_scalar args=OWN

fn inner() {
    barrier();
}

fn attack() {
    inner();
}

fn attack_scalar() {
    inner();
}
