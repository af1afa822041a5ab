// Runs an atomic on a plain variable.
// expect: rejected "on a pointer to a non-atomic"
// handler: scalar attack args=OWN

var<private> counter: u32;

fn attack() {
    result(0u, atomicAdd(&counter, 1u));
}
