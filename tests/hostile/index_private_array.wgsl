// Reads and writes a private array beyond its end: its neighbours stay, and what is read is its own or nothing.
// expect: contained
// handler: scalar index_private_array args=OWN,8
// result: 0 0
// handler: scalar index_private_array args=OWN,9
// result: 0 0
// handler: scalar index_private_array args=OWN,0x7fffffff
// result: 0 0
// handler: scalar index_private_array args=OWN,0x80000000
// result: 0 0
// handler: scalar index_private_array args=OWN,0xffffffff
// result: 0 0
// handler: scalar index_private_array args=OWN,0xfffffff8
// result: 0 0
// handler: tiled index_private_array tiles=3 args=OWN,0xfffffff8
// result: 0 0

var<private> before: array<u32, 8>;
var<private> row: array<u32, 8>;
var<private> after: array<u32, 8>;

fn index_private_array() {
    for (var i = 0u; i < 8u; i += 1u) {
        before[i] = 3u;
        row[i] = 7u;
        after[i] = 5u;
    }
    let seen = row[arg(1u)];
    row[arg(1u)] = 7u;
    var bad = (seen != 7u) & (seen != 0u);
    row[arg(1u)] += 0x100u;
    for (var i = 0u; i < 8u; i += 1u) {
        bad |= (before[i] != 3u) | (after[i] != 5u);
    }
    result_max(0u, select(0u, 1u, bad));
}
