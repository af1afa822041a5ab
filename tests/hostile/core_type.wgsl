// Names a type of the core.
// expect: rejected "the name 'Rota"
// handler: scalar attack args=OWN

struct RotaMine {
    a: u32,
}

fn attack() {
    var it: RotaMine;
    result(0u, it.a);
}
