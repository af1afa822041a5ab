// Resolves a read-only buffer for writing, and writes all the same.
// expect: fault READ_ONLY
// handler: scalar read_only_resolved_for_writing args=RO
// handler: tiled read_only_resolved_for_writing tiles=3 args=RO

fn read_only_resolved_for_writing() {
    let b = buffer_mut(arg(0u));
    store_u32(b, lane(), 0xdeadbeefu);
    store_u8(b, 9u, 9u);
    result_max(0u, size(b));
    result_max(1u, load_u32(b, 0u));
}
