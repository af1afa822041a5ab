// Puts a combining mark on a name of the core.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    rota_fault́ = 0u;
}
