// Writes a name of the core right behind a number, so that a simple scanner takes both for one word.
// expect: rejected "expected `)`"
// handler: scalar attack args=OWN

fn attack() {
    store_u32(buffer(arg(0u)), 0u, 1u);
    if (arg(0u) != 1rota_fault = 0u) {
    }
}
