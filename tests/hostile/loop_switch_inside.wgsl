// Breaks out of a switch, which doesn't leave the loop around it.
// expect: fault FUEL_EXHAUSTED
// handler: scalar loop_switch_inside fuel=300 args=OWN
// result: 0 0

fn loop_switch_inside() {
    var n = 0u;
    loop {
        switch n & 3u {
            case 0u: { n += 1u; break; }
            case 1u: { n += 2u; break; }
            default: { n = 0u; break; }
        }
        if (n == 100u) {
            break;
        }
    }
}
