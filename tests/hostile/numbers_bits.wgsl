// Hands offsets and counts beyond 32 to the functions on bits.
// expect: contained
// handler: scalar numbers_bits args=OWN,32
// result: 0 0
// handler: scalar numbers_bits args=OWN,33
// result: 0 0
// handler: scalar numbers_bits args=OWN,0x80000000
// result: 0 0
// handler: scalar numbers_bits args=OWN,0xffffffff
// result: 0 0

fn numbers_bits() {
    let n = arg(1u);
    let a = extractBits(0xffffffffu, n, n) | insertBits(0u, 0xffffffffu, n, n);
    let b = bitcast<u32>(extractBits(-1, n, 33u + n));
    let c = firstTrailingBit(n - n) | firstLeadingBit(n - n) | countLeadingZeros(n) | countOneBits(n) | reverseBits(n);
    let d = pack4x8unorm(unpack4x8unorm(n) * 1e30) | pack2x16unorm(vec2<f32>(1e30, -1e30));
    let e = bitcast<u32>(abs(bitcast<i32>(n))) | bitcast<u32>(-bitcast<i32>(n));
    let seen = load_bytes(buffer(arg(0u)), (a | b | c | d | e) | 0x80000000u);
    result(0u, seen);
}
