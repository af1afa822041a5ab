// Uses workgroupUniformLoad, which is a barrier in disguise.
// expect: rejected "can't have workgroup variables"
// handler: tiled attack tiles=2 args=OWN

var<workgroup> flag: u32;

fn attack() {
    if (lane() == 0u) {
        result(0u, workgroupUniformLoad(&flag));
    }
}
