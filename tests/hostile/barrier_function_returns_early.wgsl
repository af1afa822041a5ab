// Meets in a function behind a return of some lanes.
// expect: rejected "some may have returned"
// handler: tiled attack tiles=2 args=OWN

fn inner(x: u32) -> u32 {
    if (x == 0u) {
        return 1u;
    }
    barrier();
    return 2u;
}

fn attack() {
    result(0u, inner(lane()));
}
