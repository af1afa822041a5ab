// Makes a scalar job a tiled one.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    rota_tiled = true;
    result(0u, lanes());
}
