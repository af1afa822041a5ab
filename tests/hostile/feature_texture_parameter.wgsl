// Takes a texture as a parameter, without a binding.
// expect: rejected ""
// handler: scalar attack args=OWN

fn inner(t: texture_2d<f32>) -> u32 {
    return textureNumLevels(t);
}

fn attack() {
    result(0u, 1u);
}
