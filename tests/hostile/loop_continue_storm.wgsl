// Continues from everywhere: from an if, from a switch, and from a switch in a switch.
// expect: fault FUEL_EXHAUSTED
// handler: tiled loop_continue_storm tiles=6 fuel=100 args=OWN
// result: 0 0

fn loop_continue_storm() {
    var n = 0u;
    loop {
        n = (n + 1u) & 7u;
        if (n == 1u) {
            continue;
        }
        switch n {
            case 2u, 3u: {
                continue;
            }
            case 4u: {
                switch arg(9u) {
                    default: {
                        continue;
                    }
                }
            }
            default: {
            }
        }
        if (n < 8u) {
            continue;
        }
        break;
    }
}
