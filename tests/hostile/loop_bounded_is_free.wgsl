// Loops as often as its fuel allows, and ends well.
// expect: contained
// handler: scalar loop_bounded_is_free fuel=100 args=OWN
// result: 99 0
// handler: tiled loop_bounded_is_free tiles=4 fuel=100 args=OWN
// result: 99 0

fn loop_bounded_is_free() {
    var n = 0u;
    for (var i = 0u; i < 99u; i += 1u) {
        n += 1u;
    }
    result_max(0u, n);
}
