// Writes a name of the core behind marks that are no letters.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    store_u32(buffer(arg(0u)), 0u, 1u);‎‏rota_fault‎=‏0u;
}
