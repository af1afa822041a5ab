// Has a private atomic.
// expect: rejected "'counter' is invalid"
// handler: scalar attack args=OWN

var<private> counter: atomic<u32>;

fn attack() {
    result(0u, atomicAdd(&counter, 1u));
}
