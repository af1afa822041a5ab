// Meets two calls deep, below a loop.
// expect: rejected "some may not come by"
// handler: tiled attack tiles=2 args=OWN

fn innermost() {
    barrier();
}

fn inner() {
    innermost();
}

fn attack() {
    for (var i = 0u; i < lane(); i += 1u) {
        inner();
    }
}
