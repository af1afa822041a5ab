// Every lane of every tile writes just beyond the end, and far beyond it.
// expect: fault OUT_OF_BOUNDS
// handler: tiled bounds_every_lane tiles=8 args=OWN,64
// handler: tiled bounds_every_lane tiles=8 args=OWN,0x40000000
// handler: tiled bounds_every_lane tiles=8 args=ODD,1

fn bounds_every_lane() {
    let b = buffer_mut(arg(0u));
    store_u32(b, arg(1u) + tile() * lanes() + lane(), 0xdeadbeefu);
}
