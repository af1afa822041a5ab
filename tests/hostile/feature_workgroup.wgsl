// Has a workgroup variable of its own.
// expect: rejected "can't have workgroup variables"
// handler: tiled attack tiles=2 args=OWN

var<workgroup> shared_words: array<u32, 64>;

fn attack() {
    shared_words[lane()] = 1u;
}
