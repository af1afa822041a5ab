// Counts in floats to where adding one changes nothing.
// expect: fault FUEL_EXHAUSTED
// handler: scalar loop_float_stands_still fuel=2000 args=OWN
// result: 0 0

fn loop_float_stands_still() {
    var x = 16777000.0;
    while (x < 16777300.0) {
        x += 1.0;
    }
}
