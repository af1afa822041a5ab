// Reads and writes scratch beyond its 2,048 words.
// expect: fault OUT_OF_BOUNDS
// handler: tiled scratch_out_of_bounds tiles=2 args=OWN,2048
// handler: tiled scratch_out_of_bounds tiles=2 args=OWN,2049
// handler: tiled scratch_out_of_bounds tiles=2 args=OWN,0xffffffff
// handler: tiled scratch_out_of_bounds tiles=2 args=OWN,0x40000000
// handler: tiled scratch_out_of_bounds tiles=2 args=OWN,0x80000000

fn scratch_out_of_bounds() {
    scratch_store(arg(1u), 0xdeadbeefu);
    result_max(0u, scratch_load(arg(1u)) | scratch_add(arg(1u), 5u));
}
