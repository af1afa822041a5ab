// Names the scratch array.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    result(0u, atomicLoad(&rota_scratch[0]));
}
