// Has private arrays that are too large together.
// expect: rejected "bytes of variables"
// handler: scalar attack args=OWN

var<private> a: array<vec4<u32>, 400>;
var<private> b: array<vec4<u32>, 400>;
var<private> c: array<vec4<u32>, 400>;

fn attack() {
    let i = arg(0u) & 0xffu;
    result(0u, a[i].x | b[i].y | c[i].z);
}
