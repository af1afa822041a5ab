// Takes another job's arguments.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    rota_slot = 0u;
    result(0u, arg(0u));
}
