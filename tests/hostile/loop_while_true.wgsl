// Loops while true.
// expect: fault FUEL_EXHAUSTED
// handler: scalar loop_while_true fuel=300 args=OWN
// result: 0 0

fn loop_while_true() {
    while (true) {
    }
    result_max(0u, 0u);
}
