// Reads where a buffer lies.
// expect: rejected "a Buffer can't be made by hand"
// handler: scalar attack args=OWN

fn attack() {
    let b = buffer(arg(0u));
    result(0u, b.base);
}
