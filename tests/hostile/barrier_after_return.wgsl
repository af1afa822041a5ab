// Meets when some lanes have returned.
// expect: rejected "some may have returned"
// handler: tiled attack tiles=2 args=OWN

fn attack() {
    if (lane() == 0u) {
        return;
    }
    barrier();
}
