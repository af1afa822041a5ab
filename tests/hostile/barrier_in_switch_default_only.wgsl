// Meets in a switch that has nothing but a default, and can be left before.
// expect: rejected "some may not come by"
// handler: tiled attack tiles=2 args=OWN

fn attack() {
    switch arg(1u) {
        default: {
            if (lane() == 0u) {
                break;
            }
            barrier();
        }
    }
}
