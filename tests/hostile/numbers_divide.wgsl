// Divides by zero, and the lowest number by minus one, where the compiler can't know.
// expect: contained
// handler: scalar numbers_divide args=7,0
// result: 0 5
// handler: scalar numbers_divide args=0,0
// result: 0 5
// handler: scalar numbers_divide args=0x80000000,0xffffffff
// result: 0 5
// handler: scalar numbers_divide args=0x80000000,0
// result: 0 5
// handler: scalar numbers_divide args=0xffffffff,0
// result: 0 5
// handler: scalar numbers_divide args=0,0xffffffff
// result: 0 5
// handler: tiled numbers_divide tiles=3 args=0x80000000,0xffffffff
// result: 0 5

fn numbers_divide() {
    let a = arg(0u);
    let b = arg(1u);
    let i = bitcast<i32>(a);
    let j = bitcast<i32>(b);
    // What comes of it is WGSL's business; that the neighbours' lanes go on is ours.
    let sum = a / b + a % b + bitcast<u32>(i / j) + bitcast<u32>(i % j);
    let vectors = vec4<u32>(a) / vec4<u32>(b, b, 1u, b) + vec4<u32>(a) % vec4<u32>(1u, b, b, b);
    let more = bitcast<vec4<u32>>(vec4<i32>(i) / vec4<i32>(j, 1, j, j));
    result(0u, select(0u, 1u, sum == vectors.x + 0x12345u) >> 1u);
    result(1u, (more.x ^ more.x) + 5u);
}
