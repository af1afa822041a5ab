// scalar
// run fuel=1000 args=3,4
// first 00000000
// second 00000000
// expect fault=0 results=12,0 fuel=27
// run fuel=27 args=3,4
// run fuel=26 args=3,4
// expect fault=9 results=12,0 fuel=26
// run fuel=1000 args=0,4
// expect fault=0 results=0,0 fuel=3
// An iteration of the outer loop takes 3, also the one that ends it: 4 times 3, and 3 times 5.
fn p_inner(n: u32) -> u32 {
    var count = 0u;
    for (var i = 0u; i < n; i++) {
        count++;
    }
    return count;
}
fn main_() {
    var sum: u32;
    for (var i = 0u; i < arg(3u); i++) {
        sum += p_inner(arg(4u));
    }
    result(0u, sum);
}
