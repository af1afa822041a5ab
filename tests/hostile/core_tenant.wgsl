// Makes itself another tenant.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    rota_tenant = 0u;
}
