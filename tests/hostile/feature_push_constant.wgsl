// Reads push constants by their older name.
// expect: rejected "unknown address space"
// handler: scalar attack args=OWN

var<push_constant> numbers: vec4<u32>;

fn attack() {
    result(0u, numbers.x);
}
