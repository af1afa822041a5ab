// Gives locals and parameters the prelude's names.
// expect: contained
// handler: scalar names_shadowing_locals args=OWN,4
// result: 13 0

fn inner(size: u32, tile: u32) -> u32 {
    var buffer = size + tile;
    return buffer;
}

fn names_shadowing_locals() {
    let lanes = arg(1u);
    var load_u32 = lanes + 5u;
    load_u32 += inner(1u, 3u);
    result(0u, load_u32);
}
