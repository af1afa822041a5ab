// Hides a name of the core behind a comment that U+0085 ends.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    store_u32(buffer(arg(0u)), 0u, 1u);
    // nothing here rota_fault = 0u;
}
