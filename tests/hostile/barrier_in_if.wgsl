// Meets in a branch that only some lanes take.
// expect: rejected "some may not come by"
// handler: tiled attack tiles=2 args=OWN

fn attack() {
    if (lane() == 0u) {
        barrier();
    }
}
