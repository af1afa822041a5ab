// Has loops that are never entered, in which everything would be bad.
// expect: contained
// handler: tiled loop_never_entered tiles=3 args=OWN
// result: 0 0

fn loop_never_entered() {
    let b = buffer_mut(arg(0u));
    for (var i = 0u; i < arg(9u); i += 1u) {
        for (;;) {
            store_u32(b, 0xffffffffu, i);
        }
    }
    result_max(0u, arg(9u));
}
