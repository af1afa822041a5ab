// Writes where its tile number says, beyond the end for all but the first.
// expect: fault OUT_OF_BOUNDS
// handler: tiled answer_tile_as_index tiles=3000 args=OWN
// result: 0 0

fn answer_tile_as_index() {
    let b = buffer_mut(arg(0u));
    let i = (tile() + 1u) * 0x01000000u + lane() + 64u;
    store_u32(b, i, 0xdeadbeefu);
    result_max(0u, load_u32(b, i));
}
