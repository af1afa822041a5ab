// Counts in a private variable that the loop's body sets back.
// expect: fault FUEL_EXHAUSTED
// handler: tiled loop_private_counter tiles=6 fuel=100 args=OWN
// result: 0 0

var<private> counter: u32;

fn body() {
    counter = 0u;
}

fn loop_private_counter() {
    for (counter = 0u; counter < 10u; counter += 1u) {
        body();
    }
}
