// Reads local variables that it never wrote, in loops and functions too: they are zero each time.
// expect: contained
// handler: scalar leftover_local after=victim copies=9 args=OWN
// result: 0 0
// handler: tiled leftover_local tiles=9 after=victim args=OWN
// result: 0 0

fn inner() -> u32 {
    var row: array<u32, 64>;
    var sum = 0u;
    for (var i = 0u; i < 64u; i += 1u) {
        var fresh: u32;
        sum |= row[i] | fresh;
        row[i] = 0xdeadbeefu;
        fresh = 0xdeadbeefu;
    }
    return sum;
}

fn leftover_local() {
    var a: u32;
    var b: vec4<u32>;
    var c: mat4x4<f32>;
    let more = inner() | inner();
    result_max(0u, a | b.x | b.w | bitcast<u32>(c[1][2]) | more);
}
