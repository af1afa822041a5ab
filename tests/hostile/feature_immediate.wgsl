// Reads push constants.
// expect: rejected "can't bind memory"
// handler: scalar attack args=OWN

var<immediate> numbers: vec4<u32>;

fn attack() {
    result(0u, numbers.x);
}
