// Hands pointers to elements beyond the end to a function that reads and writes.
// expect: contained
// handler: scalar index_pointer args=OWN,8
// result: 0 0
// handler: scalar index_pointer args=OWN,9
// result: 0 0
// handler: scalar index_pointer args=OWN,0x7fffffff
// result: 0 0
// handler: scalar index_pointer args=OWN,0x80000000
// result: 0 0
// handler: scalar index_pointer args=OWN,0xffffffff
// result: 0 0
// handler: scalar index_pointer args=OWN,0xfffffff8
// result: 0 0

fn poke(p: ptr<function, array<u32, 8>>, i: u32) -> u32 {
    let old = (*p)[i];
    (*p)[i] = 0xdeadbeefu;
    return old;
}

fn index_pointer() {
    var before: array<u32, 8>;
    var row: array<u32, 8>;
    var after: array<u32, 8>;
    let seen = 0u;
    _ = poke(&row, arg(1u));
    let p = &row;
    let q = &(*p)[arg(1u)];
    *q = 0xdeadbeefu;
    var sum = seen & 0x100u;
    for (var i = 0u; i < 8u; i += 1u) {
        sum |= before[i] | after[i];
    }
    result_max(0u, sum & 0x110u);
}
