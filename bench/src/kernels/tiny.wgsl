// The tiny job of the peers: two words in, the same two words out, as ROTA_OP_NOP does it.
// A dispatch runs the job at its own workgroup number, so that vkCmdDispatchBase names distinct jobs.

@group(0) @binding(0) var<storage, read> args: array<u32>;
@group(0) @binding(1) var<storage, read_write> results: array<u32>;

@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3<u32>) {
    let at = group.x * 2u;
    results[at] = args[at];
    results[at + 1u] = args[at + 1u];
}
