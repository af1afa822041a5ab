// Throws buffers away, and uses none.
// expect: contained
// handler: scalar forge_phony args=OWN
// result: 0 0

fn forge_phony() {
    _ = buffer_mut(arg(0u));
    let b = buffer(arg(0u));
    _ = b;
    var c = b;
    _ = &c;
}
