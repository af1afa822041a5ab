// Has a workgroup variable of atomics.
// expect: rejected "can't have workgroup variables"
// handler: tiled attack tiles=2 args=OWN

var<workgroup> counter: atomic<u32>;

fn attack() {
    result(0u, atomicAdd(&counter, 1u));
}
