// Closes an inner comment, so that a simple scanner believes the outer one closed or open.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    /* outer /* inner */ still outer */ rota_fault = 0u; /* */
}
