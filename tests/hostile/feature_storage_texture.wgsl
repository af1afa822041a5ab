// Writes a storage texture.
// expect: rejected "can't have textures or samplers"
// handler: scalar attack args=OWN

@group(0) @binding(1) var picture: texture_storage_2d<rgba8unorm, write>;

fn attack() {
    textureStore(picture, vec2<u32>(0u), vec4<f32>(1.0));
}
