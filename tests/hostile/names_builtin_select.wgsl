// Declares WGSL's own select anew, which the prelude uses.
// expect: rejected "hides a name of WGSL"
// handler: scalar names_builtin_select args=OWN

fn select(a: u32, b: u32, c: bool) -> u32 {
    return 7u;
}

fn names_builtin_select() {
    // The prelude's own selects give 0 and 1 here.
    result(0u, select(1u, 2u, true) + lane() + lanes() - 1u);
}
