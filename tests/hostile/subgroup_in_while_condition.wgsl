// Votes in a loop's condition.
// expect: rejected "some may not come by"
// handler: tiled attack tiles=2 args=OWN

fn attack() {
    var i = 0u;
    while (subgroupAny(i < lane())) {
        i += 1u;
    }
}
