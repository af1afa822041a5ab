// Calls a function that calls it.
// expect: rejected "is cyclic"
// handler: scalar attack args=OWN

fn ping(n: u32) -> u32 {
    return pong(n);
}

fn pong(n: u32) -> u32 {
    return ping(n);
}

fn attack() {
    result(0u, ping(1u));
}
