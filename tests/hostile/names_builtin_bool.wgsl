// Declares WGSL's own bool anew, which the prelude uses.
// expect: rejected "`ROTA_TORN_RECORDS`"
// handler: scalar attack args=OWN

alias bool = u32;

fn attack() {
    let x: bool = 1u;
}
