// Declares a sampler.
// expect: rejected "can't have textures or samplers"
// handler: scalar attack args=OWN

@group(0) @binding(1) var s: sampler;

fn attack() {
}
