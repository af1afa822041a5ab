// Hides a joiner inside of a name of the core.
// expect: rejected "no definition in scope"
// handler: scalar attack args=OWN

fn attack() {
    rota‍_fault = 0u;
}
