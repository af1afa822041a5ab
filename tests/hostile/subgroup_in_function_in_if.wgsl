// Adds up in a function that is called from an if.
// expect: rejected "some may not come by"
// handler: tiled attack tiles=2 args=OWN

fn total(x: u32) -> u32 {
    return subgroupInclusiveAdd(x);
}

fn attack() {
    if (lane() == 0u) {
        result_max(0u, total(1u));
    }
}
