// Hides the end of a block comment in what looks like a line comment.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    /* // */ rota_fault = 0u; // */
}
