// Fails with codes that would be the kernel's own faults, statuses or stamps.
// expect: fault HANDLER+7
// handler: scalar answer_fail_as_another args=OWN,7
// expect: fault HANDLER+1
// handler: scalar answer_fail_as_another args=OWN,1
// expect: fault HANDLER+0x100
// handler: scalar answer_fail_as_another args=OWN,0x100

fn answer_fail_as_another() {
    fail(arg(1u));
    fail(arg(1u) + 1u);
    fail(0xffffffffu);
}
