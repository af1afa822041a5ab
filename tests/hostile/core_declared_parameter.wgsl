// Declares a parameter with a name of the core's.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn inner(rota_tenant: u32) -> u32 {
    return rota_tenant;
}

fn attack() {
    result(0u, inner(4u));
}
