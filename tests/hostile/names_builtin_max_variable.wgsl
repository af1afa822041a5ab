// Declares WGSL's own max anew, which the prelude uses.
// expect: rejected "hides a name of WGSL"
// handler: scalar names_builtin_max_variable args=OWN

var<private> max: u32 = 3u;

fn names_builtin_max_variable() {
    result(0u, max);
}
