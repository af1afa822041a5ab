// Takes a buffer at an index beyond its array: whatever comes is one of the array's, or nothing.
// expect: contained
// handler: scalar forge_array_index args=OWN,2
// result: 0 0
// handler: scalar forge_array_index args=OWN,3
// result: 0 0
// handler: scalar forge_array_index args=OWN,4
// result: 0 0
// handler: scalar forge_array_index args=OWN,5
// result: 0 0
// handler: scalar forge_array_index args=OWN,0x55555555
// result: 0 0
// handler: scalar forge_array_index args=OWN,0x80000000
// result: 0 0
// handler: scalar forge_array_index args=OWN,0xffffffff
// result: 0 0

// Words that would make a buffer of everything, if they were taken for one.
struct Trap {
    before: array<u32, 12>,
    row: array<Buffer, 2>,
    after: array<u32, 12>,
}

fn forge_array_index() {
    var trap: Trap;
    trap.row[0] = buffer_mut(arg(0u));
    trap.row[1] = trap.row[0];
    for (var i = 0u; i < 12u; i += 1u) {
        trap.before[i] = 0xfffffff0u;
        trap.after[i] = 0xfffffff0u;
    }
    // Not one of its two: of no length.
    let length = size(trap.row[arg(1u)]);
    result(0u, select(1u, 0u, (length == 256u) | (length == 0u)));
}
