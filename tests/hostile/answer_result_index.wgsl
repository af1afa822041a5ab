// Sets results at indices that there are not: only its own two words are ever written.
// expect: contained
// handler: scalar answer_result_index args=2
// result: any
// handler: scalar answer_result_index args=3
// result: any
// handler: scalar answer_result_index args=0x80000000
// result: any
// handler: scalar answer_result_index args=0xffffffff
// result: any
// handler: scalar answer_result_index args=0x3fffffff
// result: any
// handler: tiled answer_result_index tiles=3 args=2
// result: any
// handler: tiled answer_result_index tiles=3 args=3
// result: any
// handler: tiled answer_result_index tiles=3 args=0x80000000
// result: any
// handler: tiled answer_result_index tiles=3 args=0xffffffff
// result: any
// handler: tiled answer_result_index tiles=3 args=0x3fffffff
// result: any

fn answer_result_index() {
    result(arg(0u), 7u);
    result_add(arg(0u), 0u);
    result_max(arg(0u), 7u);
}
