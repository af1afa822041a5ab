// Shuffles from lanes that don't exist: whatever comes is no reason to stop.
// expect: contained
// handler: tiled subgroup_shuffle_from_nowhere tiles=4 args=OWN
// result: 0 0

fn subgroup_shuffle_from_nowhere() {
    let a = subgroupShuffle(lane(), 0xffffffffu);
    let b = subgroupShuffleXor(lane(), 0x80u);
    let c = subgroupShuffleUp(lane(), 1000u);
    let d = subgroupShuffleDown(lane(), 1000u);
    // Only the use of what came counts: an index far away.
    let e = load_bytes(buffer(arg(0u)), (a | b | c | d) | 0x80000000u);
    result_max(0u, e);
}
