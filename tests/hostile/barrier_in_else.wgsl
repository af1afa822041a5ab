// Meets in the other branch.
// expect: rejected "some may not come by"
// handler: tiled attack tiles=2 args=OWN

fn attack() {
    if (arg(1u) == 0u) {
        result(0u, 1u);
    } else {
        barrier();
    }
}
