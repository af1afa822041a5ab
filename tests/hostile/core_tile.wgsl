// Forges its tile.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    rota_tile = 0xffffffffu;
    result(0u, tile());
}
