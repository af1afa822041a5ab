// Has a local atomic.
// expect: rejected "'counter' is invalid"
// handler: scalar attack args=OWN

fn attack() {
    var counter: atomic<u32>;
    result(0u, atomicAdd(&counter, 1u));
}
