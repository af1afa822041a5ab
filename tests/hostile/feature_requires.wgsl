// Requires a language extension.
// expect: rejected "global directive"
// handler: scalar attack args=OWN

requires readonly_and_readwrite_storage_textures;

fn attack() {
    result(0u, 1u);
}
