// scalar
// run args=0
// first 11223344
// second 55667788
// expect fault=6 results=17,0 fuel=0
// run args=1
// run args=2
// run args=3
// expect fault=7
// Small stores through a buffer for reading fault READ_ONLY, like all others; the last run is out of bounds.
fn main_() {
    let b = buffer(arg(1u));
    switch (arg(3u)) {
        case 0u: { store_u8(b, 1u, 9u); }
        case 1u: { store_u16(b, 0u, 9u); }
        case 2u: { store_vec4_u8(b, 0u, vec4<u32>(9u)); }
        default: { store_u8(buffer_mut(arg(1u)), 4u, 9u); }
    }
    result(0u, load_u8(b, 0u));
}
