// Uses WGSL's own subgroup barrier.
// expect: rejected "SUBGROUP_BARRIER"
// handler: tiled attack tiles=2 args=OWN

fn attack() {
    subgroupBarrier();
}
