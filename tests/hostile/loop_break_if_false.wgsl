// Breaks if false.
// expect: fault FUEL_EXHAUSTED
// handler: tiled loop_break_if_false tiles=6 fuel=100 args=OWN
// result: 0 0

fn loop_break_if_false() {
    loop {
        continuing {
            break if false;
        }
    }
}
