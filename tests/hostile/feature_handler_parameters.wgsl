// Has a handler with a parameter.
// expect: rejected "no parameters and no result"
// handler: scalar attack args=OWN

fn attack(x: u32) {
    result(0u, x);
}
