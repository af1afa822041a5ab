// Tries every index of the buffer table with several generations, and counts the buffers that can be read beside
// those that it was given.
// expect: fault INVALID_BUFFER|FOREIGN_BUFFER
// handler: tiled buffer_scan_of_handles tiles=256 args=OWN,RO,ODD

fn buffer_scan_of_handles() {
    // 256 indices a tile.
    for (var i = lane(); i < 256u; i += lanes()) {
        for (var generation = 0u; generation < 4u; generation += 1u) {
            let handle = (generation << 16u) | (tile() * 256u + i);
            let given = (handle == arg(0u)) | (handle == arg(1u)) | (handle == arg(2u));
            let b = buffer(handle);
            let found = (size(b) != 0u) | (load_u32(b, 0u) != 0u);
            result_add(0u, select(0u, 1u, found & !given));
        }
    }
}
