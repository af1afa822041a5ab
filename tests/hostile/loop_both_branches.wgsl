// Loops in both branches of an if, and in every case of a switch.
// expect: fault FUEL_EXHAUSTED
// handler: tiled loop_both_branches tiles=6 fuel=100 args=OWN
// result: 0 0

fn loop_both_branches() {
    if (arg(0u) == 0u) {
        for (;;) {
        }
    } else {
        switch lane() {
            case 0u: {
                for (;;) {
                }
            }
            default: {
                loop {
                    if (arg(9u) == 1u) {
                        break;
                    }
                }
            }
        }
    }
}
