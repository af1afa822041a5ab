// Meets when some lanes have returned from within a switch.
// expect: rejected "some may have returned"
// handler: tiled attack tiles=2 args=OWN

fn attack() {
    switch lane() {
        case 1u, 2u: {
            return;
        }
        default: {
        }
    }
    barrier();
}
