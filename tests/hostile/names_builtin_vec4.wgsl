// Declares WGSL's own vec4 anew, which the prelude uses.
// expect: rejected "hides a name of WGSL"
// handler: scalar attack args=OWN

alias vec4 = vec2<f32>;

fn attack() {
    let x = vec4(1.0, 2.0);
}
