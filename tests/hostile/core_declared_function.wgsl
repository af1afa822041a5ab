// Declares a function that the core calls.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn rota_run_scalar(opcode: u32) -> bool {
    return true;
}

fn attack() {
}
