// Reads the push constants.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    result(0u, rota_push.round_fuel);
}
