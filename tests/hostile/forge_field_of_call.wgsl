// Names a field of what a call gives.
// expect: rejected "a Buffer can't be made by hand"
// handler: scalar attack args=OWN

fn attack() {
    result(0u, buffer(arg(0u)).bytes);
}
