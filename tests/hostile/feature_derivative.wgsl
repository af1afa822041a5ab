// Takes a derivative across lanes.
// expect: rejected "derivatives are for fragment shaders"
// handler: scalar attack args=OWN

fn attack() {
    result(0u, u32(dpdx(f32(arg(0u)))));
}
