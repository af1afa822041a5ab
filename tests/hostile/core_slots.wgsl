// Reads a ring's slots.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    result(0u, rota_slots[0].words[0]);
}
