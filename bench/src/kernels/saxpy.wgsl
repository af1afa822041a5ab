// y = alpha * x + y, unchecked: no range is compared per access and no fuel is counted.
// LANES and LOOP are replaced when the text is compiled: a workgroup of LANES lanes handles
// LANES * LOOP neighbouring elements, lane by lane, so that its accesses lie side by side.
// The number of elements is a multiple of that. ELEMENT is f32 or vec4<f32>.

@group(0) @binding(0) var<storage, read> x: array<ELEMENT>;
@group(0) @binding(1) var<storage, read_write> y: array<ELEMENT>;
// Word 0: the bits of alpha. Word 1: workgroups per row of the dispatch.
@group(0) @binding(2) var<storage, read> params: array<u32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let alpha = bitcast<f32>(params[0]);
    let first = (group.y * params[1] + group.x) * (LANES * LOOP) + lane;
    for (var i = 0u; i < LOOP; i += 1u) {
        let at = first + i * LANES;
        y[at] = alpha * x[at] + y[at];
    }
}
