// Fails with the highest code, which is cut to 16 bits and hits no flag of the completion.
// expect: fault HANDLER+0xffff
// handler: scalar answer_fail_most args=OWN,0xffffffff
// handler: scalar answer_fail_most args=OWN,0x10000
// handler: tiled answer_fail_most tiles=3 args=OWN,0xffffffff

fn answer_fail_most() {
    fail(arg(1u));
}
