// Turns three words into a buffer.
// expect: rejected "cannot cast a vec3<u32> to a Buffer"
// handler: scalar attack args=OWN

fn attack() {
    let b = bitcast<Buffer>(vec3<u32>(0u, 0xffffffffu, 0u));
    result(0u, load_u32(b, 0u));
}
