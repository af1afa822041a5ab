// Reads arguments that there are not: they are 0, and not the next slot's.
// expect: contained
// handler: scalar answer_arguments copies=9 args=1,2,3,4,5,6,7,8,9,10
// result: 0 10
// handler: tiled answer_arguments tiles=3 args=1,2,3,4,5,6,7,8,9,10
// result: 0 10

fn answer_arguments() {
    var seen = arg(10u) | arg(11u) | arg(16u) | arg(0xffffffffu) | arg(0x40000000u) | arg(0x3ffffffeu) | arg(0x80000000u);
    for (var i = 10u; i < 80u; i += 1u) {
        seen |= arg(i) | arg(0u - i);
    }
    result(0u, seen);
    result(1u, arg(9u));
}
