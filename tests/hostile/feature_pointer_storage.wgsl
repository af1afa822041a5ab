// Takes a pointer to storage as a parameter.
// expect: rejected "of space Storage"
// handler: scalar attack args=OWN

fn inner(p: ptr<storage, u32, read_write>) {
    *p = 1u;
}

fn attack() {
    result(0u, 1u);
}
