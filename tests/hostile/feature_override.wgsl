// Declares a constant that the pipeline sets.
// expect: rejected "can't have overrides"
// handler: scalar attack args=OWN

@id(0) override N: u32 = 5u;

fn attack() {
    result(0u, N);
}
