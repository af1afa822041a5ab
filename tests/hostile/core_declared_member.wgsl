// Declares a struct's member with a name of the core's.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

struct S {
    rota_slot: u32,
}

fn attack() {
    var s: S;
    s.rota_slot = 4u;
    result(0u, s.rota_slot);
}
