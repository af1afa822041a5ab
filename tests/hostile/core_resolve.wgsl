// Calls the resolution behind buffer().
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    result(0u, size(rota_resolve(arg(0u), 0u)));
}
