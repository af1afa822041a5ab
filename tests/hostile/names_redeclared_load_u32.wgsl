// Declares the prelude's load_u32 anew.
// expect: rejected "redefinition of"
// handler: scalar attack args=OWN

fn load_u32(b: Buffer, i: u32) -> u32 {
    return i;
}

fn attack() {
}
