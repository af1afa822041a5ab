// Makes a buffer as the first value of a private variable.
// expect: rejected "a Buffer can't be made by hand"
// handler: scalar attack args=OWN

var<private> all: Buffer = Buffer(0u, 0xffffffffu, 0xffffffffu, 0u);

fn attack() {
    result(0u, load_u32(all, 0u));
}
