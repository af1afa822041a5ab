// Writes in each pass: no more words than it has fuel.
// expect: fault FUEL_EXHAUSTED
// handler: tiled loop_writes_while_it_can tiles=6 fuel=100 args=OWN
// result: 0 0
// writes: 3=5

fn loop_writes_while_it_can() {
    let b = buffer_mut(arg(0u));
    var i = 0u;
    loop {
        store_u32(b, 3u, 5u);
        i += 1u;
        if (i == 0u) {
            break;
        }
    }
}
