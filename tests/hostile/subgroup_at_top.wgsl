// Uses subgroup functions where all lanes are: they see this tile's lanes and nothing else.
// expect: contained
// handler: tiled subgroup_at_top tiles=6 args=OWN
// result: 0 0

fn subgroup_at_top() {
    let n = lanes();
    let sum = subgroupAdd(lane() + 1u);
    let most = subgroupMax(lane());
    let last = subgroupBroadcast(lane(), 3u);
    let first = subgroupBroadcastFirst(tile());
    let good = (sum == n * (n + 1u) / 2u) & (most == n - 1u) & (last == 3u) & (first == tile());
    result_max(0u, select(1u, 0u, good));
}
