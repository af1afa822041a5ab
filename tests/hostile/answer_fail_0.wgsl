// Fails with the code 0, which is a fault as well.
// expect: fault HANDLER+0
// handler: scalar answer_fail_0 args=OWN
// result: 3 0
// handler: tiled answer_fail_0 tiles=3 args=OWN
// result: 3 0

fn answer_fail_0() {
    fail(0u);
    result(0u, 3u);
}
