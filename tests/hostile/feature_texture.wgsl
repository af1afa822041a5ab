// Samples a texture.
// expect: rejected "can't have textures or samplers"
// handler: scalar attack args=OWN

@group(0) @binding(1) var picture: texture_2d<f32>;

fn attack() {
    result(0u, u32(textureLoad(picture, vec2<u32>(0u), 0u).x));
}
