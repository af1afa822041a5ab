// Stores u8 through a buffer that was resolved for reading.
// expect: fault READ_ONLY
// handler: scalar read_only_store_u8 args=OWN,0
// handler: scalar read_only_store_u8 args=OWN,3
// handler: scalar read_only_store_u8 args=RO,0
// handler: tiled read_only_store_u8 tiles=3 args=OWN,1

fn read_only_store_u8() {
    let b = buffer(arg(0u));
    store_u8(b, arg(1u), 0xffu);
}
