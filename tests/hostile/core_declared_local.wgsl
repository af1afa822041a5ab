// Declares a local variable with a name of the core's.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    var rota_fault = 7u;
    rota_fault = 0u;
    result(0u, rota_fault);
}
