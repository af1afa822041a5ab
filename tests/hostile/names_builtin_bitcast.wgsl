// Declares WGSL's own bitcast anew, which the prelude uses.
// expect: rejected "hides a name of WGSL"
// handler: scalar names_builtin_bitcast args=OWN

fn bitcast(x: u32) -> u32 {
    return 7u;
}

fn names_builtin_bitcast() {
    result(0u, bitcast(3u));
}
