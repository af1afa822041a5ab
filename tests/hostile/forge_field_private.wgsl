// Names a field of a buffer in a private variable.
// expect: rejected "a Buffer can't be made by hand"
// handler: scalar attack args=OWN

var<private> kept: Buffer;

fn attack() {
    kept = buffer_mut(arg(0u));
    kept.bytes = 0xffffffffu;
    result(0u, load_u32(kept, 64u));
}
