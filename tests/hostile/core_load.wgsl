// Calls the access behind the accessors.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    result(0u, rota_load(0u, 0u, true));
}
