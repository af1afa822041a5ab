// Looks in a loop for a buffer left over in an uninitialised variable by the pass before.
// expect: fault OUT_OF_BOUNDS
// handler: scalar forge_uninitialised_in_loop args=OWN

fn forge_uninitialised_in_loop() {
    var seen = 0u;
    for (var i = 0u; i < 4u; i += 1u) {
        var b: Buffer;
        seen |= size(b) | load_u32(b, 0u);
        b = buffer(arg(0u));
    }
    result(0u, seen);
}
