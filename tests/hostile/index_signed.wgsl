// Indexes with negative numbers.
// expect: contained
// handler: scalar index_signed args=OWN,8
// result: 0 0
// handler: scalar index_signed args=OWN,9
// result: 0 0
// handler: scalar index_signed args=OWN,0x7fffffff
// result: 0 0
// handler: scalar index_signed args=OWN,0x80000000
// result: 0 0
// handler: scalar index_signed args=OWN,0xffffffff
// result: 0 0
// handler: scalar index_signed args=OWN,0xfffffff8
// result: 0 0

fn index_signed() {
    var before = 3u;
    var row = array<u32, 8>(7u, 7u, 7u, 7u, 7u, 7u, 7u, 7u);
    var after = 5u;
    let i = bitcast<i32>(arg(1u));
    let seen = row[i];
    row[i] = 0xdeadbeefu;
    result_max(0u, select(0u, 1u, (seen != 7u) & (seen != 0u)));
    result_max(1u, select(0u, 1u, (before != 3u) | (after != 5u)));
}
