// Asks for more tiles than a job can have, and for tiles of a scalar handler.
// expect: refused INVALID_TILES
// handler: tiled answer_tiles_too_many tiles=16777217
// handler: tiled answer_tiles_too_many tiles=0
// handler: tiled answer_tiles_too_many tiles=0xffffffff
// handler: scalar answer_tiles_too_many_scalar tiles=2

fn answer_tiles_too_many() {
}

fn answer_tiles_too_many_scalar() {
}
