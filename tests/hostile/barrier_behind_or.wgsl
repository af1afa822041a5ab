// Meets in a function that only some lanes evaluate, behind ||.
// expect: rejected "some may not come by"
// handler: tiled attack tiles=2 args=OWN

fn meets() -> bool {
    barrier();
    return true;
}

fn attack() {
    let good = lane() == 0u || meets();
    result(0u, select(0u, 1u, good));
}
