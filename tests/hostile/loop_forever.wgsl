// Loops without an end, and stores a word that it must not reach too often.
// expect: fault FUEL_EXHAUSTED
// handler: scalar loop_forever fuel=300 args=OWN
// result: 0 0
// handler: tiled loop_forever tiles=6 fuel=100 args=OWN
// result: 0 0

fn loop_forever() {
    var n = 0u;
    loop {
        n += 1u;
        if (n == 0xffffffffu) {
            break;
        }
    }
    result_max(1u, n >> 10u);
}
