// Stores vectors of every kind through a buffer that was resolved for reading.
// expect: fault READ_ONLY
// handler: scalar read_only_store_vectors args=OWN,0
// handler: scalar read_only_store_vectors args=OWN,1
// handler: scalar read_only_store_vectors args=OWN,2
// handler: scalar read_only_store_vectors args=OWN,3
// handler: scalar read_only_store_vectors args=OWN,4
// handler: tiled read_only_store_vectors tiles=2 args=OWN,2

fn read_only_store_vectors() {
    let b = buffer(arg(0u));
    switch arg(1u) {
        case 0u: { store_vec4_u8(b, 0u, vec4<u32>(255u)); }
        case 1u: { store_vec4_u16(b, 0u, vec4<u32>(65535u)); }
        case 2u: { store_vec4_u32(b, 0u, vec4<u32>(1u)); }
        case 3u: { store_vec4_i32(b, 0u, vec4<i32>(-1)); }
        default: { store_vec4_f32(b, 0u, vec4<f32>(1.0)); }
    }
}
