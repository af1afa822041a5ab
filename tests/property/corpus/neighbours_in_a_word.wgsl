// tiled
// run fuel=100 tiles=16 args=1
// first 00000000000000000000000000000000
// second 00000000
// expect fault=0 results=0,0 fuel=any
// expect first 000102030405060708090a0b0c0d0e0f
// Bytes of one word that different tiles write at once.
fn main_() {
    let b = buffer_mut(arg(1u));
    if (lane() == 0u) {
        store_u8(b, tile(), tile());
    }
}
