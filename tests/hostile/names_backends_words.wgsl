// Uses names that mean something in other shading languages and in SPIR-V.
// expect: contained
// handler: scalar main args=OWN
// result: 10 0

struct gl_PerVertex {
    OpKill: u32,
}

const float4 = 1u;

fn OpTerminateInvocation(int: u32) -> u32 {
    return int + float4;
}

fn main() {
    var gl_Position: gl_PerVertex;
    gl_Position.OpKill = 9u;
    result(0u, OpTerminateInvocation(gl_Position.OpKill));
}
