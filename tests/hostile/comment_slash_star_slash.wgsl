// Begins a comment that a simple scanner believes closed at once.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    /*/ */ rota_fault = 0u; /*/ */
}
