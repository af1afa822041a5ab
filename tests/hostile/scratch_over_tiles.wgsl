// Hands words from one tile to the next by scratch: what is seen is its own tenant's, or zero.
// expect: contained
// handler: tiled scratch_over_tiles tiles=40 after=victim args=OWN
// result: 0 0

fn scratch_over_tiles() {
    var bad = 0u;
    for (var i = lane(); i < 2048u; i += lanes()) {
        let seen = scratch_load(i);
        bad |= select(1u, 0u, (seen == 0u) | (seen == 0x600d600du));
        scratch_store(i, 0x600d600du);
    }
    result_max(0u, bad);
}
