// Lets the 64-bit sum overflow: it wraps, and reaches no other job's results.
// expect: contained
// handler: scalar answer_add_64 copies=9
// result: 0 0
// handler: tiled answer_add_64 tiles=7
// result: 0 0

fn answer_add_64() {
    result_add_64(0xffffffffu, 0xffffffffu);
    result_add_64(1u, 0u);
}
