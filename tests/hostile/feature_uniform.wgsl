// Reads uniforms.
// expect: rejected "can't bind memory"
// handler: scalar attack args=OWN

@group(0) @binding(0) var<uniform> numbers: vec4<u32>;

fn attack() {
    result(0u, numbers.x);
}
