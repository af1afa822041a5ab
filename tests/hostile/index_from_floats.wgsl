// Indexes with what comes of converting NaN, infinities and large floats.
// expect: contained
// handler: scalar index_from_floats args=OWN,0x7fc00000
// result: 0 0
// handler: scalar index_from_floats args=OWN,0xffc00000
// result: 0 0
// handler: scalar index_from_floats args=OWN,0x7f800000
// result: 0 0
// handler: scalar index_from_floats args=OWN,0xff800000
// result: 0 0
// handler: scalar index_from_floats args=OWN,0x7f7fffff
// result: 0 0
// handler: scalar index_from_floats args=OWN,0xcf000000
// result: 0 0
// handler: scalar index_from_floats args=OWN,0x4f800000
// result: 0 0
// handler: scalar index_from_floats args=OWN,0x00000001
// result: 0 0
// handler: scalar index_from_floats args=OWN,0x80000001
// result: 0 0
// handler: scalar index_from_floats args=OWN,0xbf800000
// result: 0 0

fn index_from_floats() {
    let x = bitcast<f32>(arg(1u));
    var before: array<u32, 4>;
    var row: array<u32, 4>;
    var after: array<u32, 4>;
    row[u32(x)] = 0xdeadbeefu;
    row[i32(x)] = 0xdeadbeefu;
    row[u32(x * 4.0)] = 0xdeadbeefu;
    var sum = 0u;
    for (var i = 0u; i < 4u; i += 1u) {
        sum |= before[i] | after[i];
    }
    // In a buffer the same numbers are in bounds or far out: this form of load tells neither.
    sum |= load_bytes(buffer(arg(0u)), u32(x) | 0x80000000u);
    result(0u, sum);
}
