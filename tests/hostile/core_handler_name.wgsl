// Names a function of the core as its handler.
// expect: rejected "there is no function 'rota_fence'"
// handler: scalar rota_fence

fn attack() {
}
