// Begins with a byte order mark.
// expect: rejected "found "\u{feff}"
// handler: scalar attack args=OWN

fn attack() {
    result(0u, 6u);
}
