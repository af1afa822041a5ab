// Meets as often as a lane's loop has passes.
// expect: rejected "some may not come by"
// handler: tiled attack tiles=2 args=OWN

fn attack() {
    for (var i = 0u; i < lane(); i += 1u) {
        barrier();
    }
}
