// Calls a function that loops, from a loop of its own, many times.
// expect: fault FUEL_EXHAUSTED
// handler: scalar loop_in_function_in_loop fuel=300 args=OWN
// result: 0 0

fn inner() -> u32 {
    var n = 0u;
    for (var i = 0u; i < 10u; i += 1u) {
        n += i;
    }
    return n;
}

fn loop_in_function_in_loop() {
    var sum = 0u;
    for (var i = 0u; i < 1000u; i += 1u) {
        sum += inner() + inner() + inner();
    }
}
