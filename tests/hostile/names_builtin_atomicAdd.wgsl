// Declares WGSL's own atomicAdd anew, which the prelude uses.
// expect: rejected "hides a name of WGSL"
// handler: scalar names_builtin_atomicAdd args=OWN

fn atomicAdd(x: u32, y: u32) -> u32 {
    return 7u;
}

fn names_builtin_atomicAdd() {
    result(0u, atomicAdd(3u, 4u));
}
