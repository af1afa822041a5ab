// Meets in both branches, one lane here and the others there.
// expect: rejected "some may not come by"
// handler: tiled attack tiles=2 args=OWN

fn attack() {
    if (lane() == 0u) {
        barrier();
    } else {
        barrier();
    }
}
