// Turns the compiler's diagnostics off.
// expect: rejected "global directive"
// handler: scalar attack args=OWN

diagnostic(off, derivative_uniformity);

fn attack() {
    result(0u, 1u);
}
