// Calls the store behind the accessors.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    rota_store(0u, 0u, true, 0xdeadbeefu);
}
