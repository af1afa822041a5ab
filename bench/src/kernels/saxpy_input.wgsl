// Writes saxpy's input on the device, so that the peers need no staging: x[i] = i mod 256, y[i] = 0.

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
// Word 1: workgroups per row of the dispatch.
@group(0) @binding(2) var<storage, read> params: array<u32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = (group.y * params[1] + group.x) * 64u + lane;
    x[at] = f32(at & 255u);
    y[at] = 0.0;
}
