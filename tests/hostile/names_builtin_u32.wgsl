// Declares WGSL's own u32 anew, which the prelude uses.
// expect: rejected "hides a name of WGSL"
// handler: scalar attack args=OWN

alias u32 = f32;

fn attack() {
    let x: u32 = 1.0;
}
