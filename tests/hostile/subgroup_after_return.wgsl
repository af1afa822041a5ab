// Broadcasts when lane 0 has returned.
// expect: rejected "some may have returned"
// handler: tiled attack tiles=2 args=OWN

fn attack() {
    if (lane() == 0u) {
        return;
    }
    result_max(0u, subgroupBroadcastFirst(lane()));
}
