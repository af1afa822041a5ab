// Counts words in the scratch array that another tenant left there.
// expect: contained
// handler: tiled leftover_scratch tiles=1 after=victim args=OWN
// result: 0 0
// handler: tiled leftover_scratch tiles=40 after=victim args=OWN
// result: 0 0

fn leftover_scratch() {
    var found = 0u;
    for (var i = lane(); i < 2048u; i += lanes()) {
        found |= scratch_load(i);
    }
    result_max(0u, found);
}
