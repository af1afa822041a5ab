// Returns a pointer to a local variable.
// expect: rejected "cannot be returned"
// handler: scalar attack args=OWN

fn dangling() -> ptr<function, u32> {
    var x = 5u;
    return &x;
}

fn attack() {
    result(0u, *dangling());
}
