// Meets in one case of a switch.
// expect: rejected "some may not come by"
// handler: tiled attack tiles=2 args=OWN

fn attack() {
    switch lane() {
        case 0u: {
            barrier();
        }
        default: {
        }
    }
}
