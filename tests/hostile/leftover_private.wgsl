// Looks for what other jobs left in its private variables: initial values, and zeros where there are none.
// expect: contained
// handler: scalar leftover_private after=victim copies=20 args=OWN
// result: 0 0
// handler: tiled leftover_private tiles=20 after=victim args=OWN
// result: 0 0
// handler: scalar leftover_private copies=20 args=OWN
// result: 0 0

var<private> kept: u32;
var<private> set_to: u32 = 77u;
var<private> row: array<u32, 64>;
var<private> one: vec4<f32> = vec4<f32>(1.0, 2.0, 3.0, 4.0);

fn leftover_private() {
    var found = kept | (set_to ^ 77u);
    for (var i = 0u; i < 64u; i += 1u) {
        found |= row[i];
        row[i] = 0xdeadbeefu;
    }
    found |= select(1u, 0u, all(one == vec4<f32>(1.0, 2.0, 3.0, 4.0)));
    one = vec4<f32>(-1.0);
    kept = 0xdeadbeefu;
    set_to = 0xdeadbeefu;
    result_max(0u, found);
}
