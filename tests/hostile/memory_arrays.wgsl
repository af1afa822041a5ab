// Uses large arrays of its own in every lane, and finds them zero and then what it wrote.
// expect: contained
// handler: scalar memory_arrays copies=9 args=OWN,100
// result: 0 1000
// handler: tiled memory_arrays tiles=4 args=OWN,100
// result: 0 1000

var<private> big: array<u32, 200>;

fn memory_arrays() {
    var local: array<u32, 100>;
    let i = arg(1u) - 1u;
    result_max(0u, big[i] | big[0] | big[199] | local[i] | local[0]);
    big[i] = 900u;
    big[199] = 1u;
    local[i] = 99u;
    result_max(1u, big[i] + local[i] + big[199]);
}
