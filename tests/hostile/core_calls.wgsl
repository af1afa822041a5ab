// Calls functions of the core that have no prefix.
// expect: rejected "no definition in scope"
// handler: scalar attack args=OWN

fn attack() {
    raise_done(0u, 1u);
    complete(true, 0u, 1u, 1u, 0u, vec2<u32>(0u));
}
