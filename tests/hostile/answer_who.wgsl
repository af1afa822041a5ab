// Counts its tiles and lanes: each once, and none beyond.
// expect: contained
// handler: tiled answer_who tiles=37
// result: 37 0
// handler: scalar answer_who_alone copies=9
// result: 10 0

fn answer_who() {
    let bad = (tile() >= tiles()) | (lane() >= lanes()) | (lanes() > 64u);
    result_add(0u, select(0u, 1u, lane() == 0u));
    result_add(1u, select(0u, 1u, bad));
}

fn answer_who_alone() {
    result(0u, tile() + 2u * tiles() + 4u * lane() + 8u * lanes());
}
