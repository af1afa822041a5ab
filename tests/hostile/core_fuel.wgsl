// Gives itself fuel.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    rota_fuel = 0xffffffffu;
}
