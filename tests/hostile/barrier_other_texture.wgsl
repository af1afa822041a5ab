// Uses WGSL's own texture barrier.
// expect: rejected "is not for handlers"
// handler: tiled attack tiles=2 args=OWN

fn attack() {
    textureBarrier();
}
