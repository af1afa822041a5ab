// Discards a fragment that there is none of.
// expect: rejected "nothing to discard"
// handler: scalar attack args=OWN

fn attack() {
    if (arg(0u) != 0u) {
        discard;
    }
}
