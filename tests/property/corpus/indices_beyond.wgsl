// scalar
// run args=9,0
// first 00000000
// second 00000000
// expect fault=0 results=40,13 fuel=0
// run args=4294967295,2
// expect fault=0 results=40,13 fuel=0
// run args=1,33
// expect fault=0 results=20,16 fuel=0
// An index that is out of range is the last one, also if it is below 0; division by 0 and shifts by 32 are what WGSL says.
fn main_() {
    var a = array<u32, 4>(10u, 20u, 30u, 40u);
    let v = vec4<u32>(1u, 2u, 3u, 4u);
    result(0u, a[i32(arg(3u))]);
    let zero = arg(5u);
    let divided = 6u / zero + 5u % zero;
    result(1u, divided + v[arg(3u)] + select(0u, (3u << (arg(4u) & 63u)) + 2u, arg(4u) > 31u) + select(3u, 0u, arg(4u) > 31u));
}
