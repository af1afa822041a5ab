// Meets in the function of a loop's condition.
// expect: rejected "some may not come by"
// handler: tiled attack tiles=2 args=OWN

fn more(i: u32) -> bool {
    barrier();
    return i < lane();
}

fn attack() {
    var i = 0u;
    while (more(i)) {
        i += 1u;
    }
}
