// Reads the table of buffers.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    result(0u, rota_buffers[0].base);
}
