// Makes a buffer by another name of its type.
// expect: rejected "a Buffer can't be made by hand"
// handler: scalar attack args=OWN

alias Mine = Buffer;

fn attack() {
    let b = Mine(0u, 0xffffffffu, 0xffffffffu, 0u);
    result(0u, load_u32(b, 0u));
}
