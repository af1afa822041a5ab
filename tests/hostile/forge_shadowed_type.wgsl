// Gives a local variable the name of the type, to construct one after it.
// expect: rejected "cannot be called"
// handler: scalar attack args=OWN

fn attack() {
    let Buffer = 5u;
    let b = Buffer(0u, 0xffffffffu, 0xffffffffu, 0u);
    result(0u, load_u32(b, 0u));
}
