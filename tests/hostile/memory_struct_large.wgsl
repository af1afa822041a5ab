// Has a struct of 16 MiB in a function that no handler calls.
// expect: rejected "a value may have at most 4096 bytes"
// handler: scalar attack args=OWN

struct Large {
    a: array<vec4<f32>, 1048576>,
}

fn unused(it: Large) -> f32 {
    return it.a[7].x;
}

fn attack() {
}
