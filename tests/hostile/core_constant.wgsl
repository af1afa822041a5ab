// Reads a constant of the core.
// expect: rejected "the name 'ROTA_"
// handler: scalar attack args=OWN

fn attack() {
    result(0u, ROTA_LANES);
}
