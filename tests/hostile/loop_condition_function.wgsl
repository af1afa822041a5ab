// Loops in the function of a loop's condition.
// expect: fault FUEL_EXHAUSTED
// handler: scalar loop_condition_function fuel=300 args=OWN
// result: 0 0

fn always(p: ptr<function, u32>) -> bool {
    for (var i = 0u; i < 3u; i += 1u) {
        *p += 1u;
    }
    return *p != 0u;
}

fn loop_condition_function() {
    var n = 0u;
    while (always(&n)) {
    }
}
