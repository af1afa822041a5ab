// Feeds NaN, infinities, denormals and negative numbers to every function that dislikes them.
// expect: contained
// handler: scalar numbers_floats args=OWN,0x7fc00000
// result: 0 0
// handler: scalar numbers_floats args=OWN,0x7f800000
// result: 0 0
// handler: scalar numbers_floats args=OWN,0xff800000
// result: 0 0
// handler: scalar numbers_floats args=OWN,0x00000001
// result: 0 0
// handler: scalar numbers_floats args=OWN,0x80000000
// result: 0 0
// handler: scalar numbers_floats args=OWN,0xbf800000
// result: 0 0
// handler: scalar numbers_floats args=OWN,0x7f7fffff
// result: 0 0
// handler: scalar numbers_floats args=OWN,0x7f800001
// result: 0 0
// handler: tiled numbers_floats tiles=3 args=OWN,0x7fc00000
// result: 0 0

fn numbers_floats() {
    let x = bitcast<f32>(arg(1u));
    var y = sqrt(x) + inverseSqrt(x) + log(x) + log2(x) + pow(x, x) + acos(x) + asin(x) + atan2(x, x);
    y += fract(x) + floor(x) + round(x) + x % x + x / x + exp(x) + exp2(x) + sinh(x) + acosh(x) + atanh(x);
    y += clamp(x, 1.0, 2.0) + smoothstep(x, x, x) + mix(x, x, x) + normalize(vec3<f32>(x)).x;
    y += length(vec4<f32>(x)) + ldexp(x, 127) + ldexp(x, i32(x)) + frexp(x).fract + modf(x).whole + sin(x) + tan(x);
    let seen = load_bytes(buffer(arg(0u)), u32(y) | 0x80000000u);
    result(0u, seen);
}
