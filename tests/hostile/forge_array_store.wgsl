// Stores a buffer at an index beyond its array: the words beside the array stay what they are.
// expect: contained
// handler: scalar forge_array_store args=OWN,2
// result: 0 0
// handler: scalar forge_array_store args=OWN,3
// result: 0 0
// handler: scalar forge_array_store args=OWN,4
// result: 0 0
// handler: scalar forge_array_store args=OWN,0x55555555
// result: 0 0
// handler: scalar forge_array_store args=OWN,0xffffffff
// result: 0 0

struct Trap {
    before: array<u32, 12>,
    row: array<Buffer, 2>,
    after: array<u32, 12>,
}

fn forge_array_store() {
    var trap: Trap;
    let b = buffer_mut(arg(0u));
    trap.row[arg(1u)] = b;
    var seen = 0u;
    for (var i = 0u; i < 12u; i += 1u) {
        seen |= trap.before[i] | trap.after[i];
    }
    result(0u, seen);
}
