// Has a handler that asks which invocation it is.
// expect: rejected "cannot have `@location` or `@builtin`"
// handler: scalar attack args=OWN

fn attack(@builtin(global_invocation_id) id: vec3<u32>) {
    result(0u, id.x);
}
