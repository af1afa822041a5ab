// Writes the kernel's state.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    atomicStore(&rota_state.epoch, 0u);
}
