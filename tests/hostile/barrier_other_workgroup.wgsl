// Uses WGSL's own workgroup barrier.
// expect: rejected "is not for handlers"
// handler: tiled attack tiles=2 args=OWN

fn attack() {
    workgroupBarrier();
}
