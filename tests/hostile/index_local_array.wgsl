// Reads and writes a local array beyond its end.
// expect: contained
// handler: scalar index_local_array args=OWN,8
// result: 0 0
// handler: scalar index_local_array args=OWN,9
// result: 0 0
// handler: scalar index_local_array args=OWN,0x7fffffff
// result: 0 0
// handler: scalar index_local_array args=OWN,0x80000000
// result: 0 0
// handler: scalar index_local_array args=OWN,0xffffffff
// result: 0 0
// handler: scalar index_local_array args=OWN,0xfffffff8
// result: 0 0

fn index_local_array() {
    var before: array<u32, 8>;
    var row: array<u32, 8>;
    var after: array<u32, 8>;
    for (var i = 0u; i < 8u; i += 1u) {
        before[i] = 3u;
        row[i] = 7u;
        after[i] = 5u;
    }
    let seen = row[arg(1u)];
    row[arg(1u)] = 0xdeadbeefu;
    var bad = (seen != 7u) & (seen != 0u);
    for (var i = 0u; i < 8u; i += 1u) {
        bad |= (before[i] != 3u) | (after[i] != 5u);
    }
    result_max(0u, select(0u, 1u, bad));
}
