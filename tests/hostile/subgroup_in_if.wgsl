// Adds up over lanes of which some are elsewhere.
// expect: rejected "some may not come by"
// handler: tiled attack tiles=2 args=OWN

fn attack() {
    if (lane() == 0u) {
        result_max(0u, subgroupAdd(1u));
    }
}
