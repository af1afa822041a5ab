// Shuffles in a loop that lanes leave one by one.
// expect: rejected "some may not come by"
// handler: tiled attack tiles=2 args=OWN

fn attack() {
    var x = lane();
    for (var i = 0u; i < lane(); i += 1u) {
        x = subgroupShuffle(x, 0u);
    }
    result_max(0u, x);
}
