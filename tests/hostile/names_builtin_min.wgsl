// Declares WGSL's own min anew, which the prelude uses: it is the module's alone.
// expect: fault HANDLER+0xffff
// alone
// handler: scalar names_builtin_min args=OWN
// result: 9 0

fn min(a: u32, b: u32) -> u32 {
    return a;
}

fn names_builtin_min() {
    result(0u, min(9u, 1u));
    // The prelude cuts this code to 16 bits by WGSL's own min.
    fail(0xffffffffu);
}
