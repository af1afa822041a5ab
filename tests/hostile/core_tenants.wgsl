// Reads the table of tenants.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    result(0u, atomicLoad(&rota_tenants[0].ring));
}
