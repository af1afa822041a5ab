// Resolves a buffer of its own first, so that the other tenant's may inherit its range.
// expect: fault FOREIGN_BUFFER
// handler: scalar buffer_foreign_beside_own args=OWN,FOREIGN
// handler: tiled buffer_foreign_beside_own tiles=3 args=OWN,FOREIGN

fn buffer_foreign_beside_own() {
    var b = buffer_mut(arg(0u));
    b = buffer_mut(arg(1u));
    store_u32(b, 0u, 0xdeadbeefu);
    result_max(0u, load_u32(b, 0u));
    result_max(1u, size(b));
}
