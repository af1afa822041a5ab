// Nests endless loops.
// expect: fault FUEL_EXHAUSTED
// handler: scalar loop_nested fuel=300 args=OWN
// result: 0 0
// handler: tiled loop_nested tiles=6 fuel=100 args=OWN
// result: 0 0

fn loop_nested() {
    var n = 0u;
    loop {
        loop {
            loop {
                n += 1u;
                if (n == 0xffffffffu) {
                    break;
                }
            }
            if (n == 0xffffffffu) {
                break;
            }
        }
        if (n == 0xffffffffu) {
            break;
        }
    }
}
