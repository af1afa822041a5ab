// Moves its buffer by a compound assignment.
// expect: rejected "a Buffer can't be made by hand"
// handler: scalar attack args=OWN

fn attack() {
    var b = buffer_mut(arg(0u));
    b.base += 16u;
    result(0u, load_u32(b, 0u));
}
