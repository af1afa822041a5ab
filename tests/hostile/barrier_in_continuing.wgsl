// Meets in a continuing block.
// expect: rejected "some may not come by"
// handler: tiled attack tiles=2 args=OWN

fn attack() {
    var i = 0u;
    loop {
        i += 1u;
        continuing {
            barrier();
            break if i > lane();
        }
    }
}
