// Sets no results: they are 0, whatever the last job in this slot answered.
// expect: contained
// handler: scalar leftover_results_loud copies=20
// result: 0xdeadbeef 0xdeadbeef
// handler: scalar leftover_results copies=20
// result: 0 0
// handler: tiled leftover_results tiles=2 copies=20
// result: 0 0

fn leftover_results() {
    result_add(0u, 0u);
}

fn leftover_results_loud() {
    result(0u, 0xdeadbeefu);
    result(1u, 0xdeadbeefu);
}
