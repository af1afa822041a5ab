// scalar
// run fuel=2000 tiles=1 args=1,4,66,4,7,0,2147483650
// given first first
// first 481ca65cf86d2ca54128e7172206bfea
// second 01000101000301010101030203020103
// expect fault=7 results=0,17 fuel=6
// expect first 00000000000000000000000000000000
// expect second 01000101000301010101030203020103
struct p_S0 {
    m0: u32,
    m1: u32,
    m2: u32,
    m3: array<u32, 4>,
}
var<private> p_v0: array<Buffer, 2>;
fn p_main(v1: Buffer, v2: Buffer) {
    var zu: u32;
    var zi: i32;
    var v3: u32;
    loop {
        switch ((size(v2) & 3u)) {
            case 0u: {
                {
                    var v4: array<Buffer, 2>;
                }
                if (((select(v3, v3, true) >> (((v3 & lane()) & 31u) + zu)) > size(v2))) {
                    var v10: i32 = 5i;
                    var v11: array<i32, 4> = array<i32, 4>(v10, (-1584612687i), v10, 6i);
                    continue;
                }
                break;
            }
            default: {
            }
            case 1u: {
                result_min(1u, v3);
            }
        }
        var v12: f32;
        continue;
        continuing {
            v3++;
            break if (v3 >= 6u);
        }
    }
    var v13: f32 = 7.0;
    var v14: f32 = v13;
    store_vec4_i32(v2, ((2147483648u + zu) & 1u), bitcast<vec4<i32>>(vec4<u32>(tile())));
    store_u8(p_v0[(i32(-2147483648) + zi)], ((7u + zu) & 3u), tile());
    var v15: array<u32, 6> = array<u32, 6>(arg(11u), 7u, tile(), 1u, 4294967294u, arg(6u));
    result_min(1u, 17u);
}
fn main_() {
    let a = buffer_mut(arg(1u));
    let b = buffer_mut(arg(2u));
    p_main(a, b);
}
