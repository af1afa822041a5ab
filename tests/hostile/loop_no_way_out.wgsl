// Loops without a break anywhere: nothing after it can be reached.
// expect: fault FUEL_EXHAUSTED
// handler: scalar loop_no_way_out fuel=300 args=OWN
// result: 0 0

fn loop_no_way_out() {
    var n = 0u;
    loop {
        n += 1u;
    }
}
