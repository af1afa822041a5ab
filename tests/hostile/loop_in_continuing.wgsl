// Loops inside of a continuing block.
// expect: fault FUEL_EXHAUSTED
// handler: scalar loop_in_continuing fuel=300 args=OWN
// result: 0 0

fn loop_in_continuing() {
    var n = 0u;
    loop {
        n += 1u;
        continuing {
            for (var i = 0u; i < 5u; i += 1u) {
                n += i;
            }
            break if n == 3u;
        }
    }
}
