// Calls itself.
// expect: rejected "is recursive"
// handler: scalar attack args=OWN

fn again(n: u32) -> u32 {
    if (n == 0u) {
        return 0u;
    }
    return again(n - 1u) + 1u;
}

fn attack() {
    result(0u, again(10u));
}
