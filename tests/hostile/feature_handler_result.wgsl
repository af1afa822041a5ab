// Has a handler that gives something back.
// expect: rejected "no parameters and no result"
// handler: scalar attack args=OWN

fn attack() -> u32 {
    return 1u;
}
