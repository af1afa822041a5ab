// Uses a word that WGSL reserves.
// expect: rejected "is a reserved keyword"
// handler: scalar attack args=OWN

fn attack() {
    var class = 1u;
    result(0u, class);
}
