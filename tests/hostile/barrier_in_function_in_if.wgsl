// Meets in a function that is called from an if.
// expect: rejected "some may not come by"
// handler: tiled attack tiles=2 args=OWN

fn inner() {
    barrier();
}

fn attack() {
    if (lane() == 0u) {
        inner();
    }
}
