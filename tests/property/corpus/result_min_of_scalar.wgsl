// scalar
// run fuel=10 args=9,5,7,0,0,0,0
// first 00000000
// second 00000000
// expect fault=0 results=5,3000000000 fuel=0
// The lowest of the values given, and not of these and the 0 that results start with.
fn main_() {
    result_min(0u, arg(3u));
    result_min(0u, arg(4u));
    result_min(0u, arg(5u));
    result_min(1u, 3000000000u);
}
