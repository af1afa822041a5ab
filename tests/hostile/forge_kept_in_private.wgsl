// Keeps a resolved buffer in a private variable for the next job, when its owner has destroyed it.
// expect: fault OUT_OF_BOUNDS
// handler: scalar forge_kept_in_private_keep copies=9 args=OWN
// result: 0 0
// handler: scalar forge_kept_in_private_spend copies=9 args=OWN
// handler: tiled forge_kept_in_private_spend_tiled tiles=4 args=OWN

var<private> kept: Buffer;

fn forge_kept_in_private_keep() {
    result(0u, size(kept));
    kept = buffer_mut(arg(0u));
    store_u32(kept, 64u, 1u);
}

fn forge_kept_in_private_spend() {
    result(0u, load_u32(kept, 0u));
    result(1u, size(kept));
}

fn forge_kept_in_private_spend_tiled() {
    result_max(0u, load_u32(kept, 0u));
    result_max(1u, size(kept));
}
