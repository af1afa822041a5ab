// Declares WGSL's own bool anew, which the prelude uses.
// expect: rejected "hides a name of WGSL"
// handler: scalar attack args=OWN

alias bool = u32;

fn attack() {
    let x: bool = 1u;
}
