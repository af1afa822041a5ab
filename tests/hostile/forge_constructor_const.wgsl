// Makes a buffer at module scope.
// expect: rejected "a Buffer can't be made by hand"
// handler: scalar attack args=OWN

const ALL = Buffer(0u, 0xffffffffu, 0xffffffffu, 0u);

fn attack() {
    result(0u, load_u32(ALL, 0u));
}
