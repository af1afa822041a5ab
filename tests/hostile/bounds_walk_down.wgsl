// Counts an index down from 0, through the whole of the address space's upper end.
// expect: fault OUT_OF_BOUNDS
// handler: scalar bounds_walk_down args=OWN

fn bounds_walk_down() {
    let b = buffer_mut(arg(0u));
    var i = 0u;
    var seen = 0u;
    for (var n = 0u; n < 100u; n += 1u) {
        i -= 1u;
        seen |= load_u32(b, i) | load_u8(b, i) | load_u16(b, i);
        store_u32(b, i, 0xdeadbeefu);
    }
    result(0u, seen);
}
