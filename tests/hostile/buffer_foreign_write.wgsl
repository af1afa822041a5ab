// Writes into another tenant's buffer by its handle, from every lane of a tile.
// expect: fault FOREIGN_BUFFER
// handler: tiled buffer_foreign_write tiles=5 args=FOREIGN
// handler: tiled buffer_foreign_write tiles=1 args=FOREIGN_RO

fn buffer_foreign_write() {
    let b = buffer_mut(arg(0u));
    store_u32(b, tile() * lanes() + lane(), 0xdeadbeefu);
    result_max(0u, size(b));
}
