// Meets when some lanes have returned from within a loop.
// expect: rejected "some may have returned"
// handler: tiled attack tiles=2 args=OWN

fn attack() {
    for (var i = 0u; i < 3u; i += 1u) {
        if (i == lane()) {
            return;
        }
    }
    barrier();
}
