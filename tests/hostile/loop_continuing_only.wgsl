// Does everything in the continuing block.
// expect: fault FUEL_EXHAUSTED
// handler: scalar loop_continuing_only fuel=300 args=OWN
// result: 0 0

fn loop_continuing_only() {
    var n = 0u;
    loop {
        continuing {
            n += 1u;
            break if n == 0u;
        }
    }
}
