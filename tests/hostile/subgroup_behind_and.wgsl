// Votes behind &&.
// expect: rejected "some may not come by"
// handler: tiled attack tiles=2 args=OWN

fn attack() {
    let all = lane() != 0u && subgroupAll(lane() != 0u);
    result_max(0u, select(0u, 1u, all));
}
