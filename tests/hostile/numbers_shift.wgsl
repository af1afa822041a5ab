// Shifts by 32 and more, and uses what comes as an index.
// expect: contained
// handler: scalar numbers_shift args=OWN,32
// result: 0 0
// handler: scalar numbers_shift args=OWN,33
// result: 0 0
// handler: scalar numbers_shift args=OWN,63
// result: 0 0
// handler: scalar numbers_shift args=OWN,64
// result: 0 0
// handler: scalar numbers_shift args=OWN,0x80000000
// result: 0 0
// handler: scalar numbers_shift args=OWN,0xffffffff
// result: 0 0

fn numbers_shift() {
    let n = arg(1u);
    let a = 1u << n;
    let b = 0x80000000u >> n;
    let c = bitcast<u32>(-1 >> n);
    let d = vec4<u32>(1u) << vec4<u32>(n, n + 1u, 31u, 32u + n);
    let seen = load_bytes(buffer(arg(0u)), (a | b | c | d.x | d.w) | 0x80000000u);
    result(0u, seen);
}
