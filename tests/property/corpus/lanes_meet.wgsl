// tiled
// run fuel=100 tiles=3 args=0
// first 00000000000000000000000000000000
// second 00000000
// expect fault=0 results=3,3 fuel=any
// expect first 03000000000000000000000000000000
// Each lane leaves a word for its neighbour; all lanes find the right one, in each tile.
fn main_() {
    let b = buffer_mut(arg(1u));
    scratch_store(lane(), tile() * 1000u + lane());
    barrier();
    let next = (lane() + 1u) % lanes();
    let good = scratch_load(next) == tile() * 1000u + next;
    let all = subgroupMin(u32(good));
    if (lane() == 0u) {
        result_add(0u, all);
        result_max(1u, tile() + 1u);
        _ = atomic_add_u32(b, 0u, 1u);
    }
}
