// Divides by zero on the way to an index.
// expect: contained
// handler: scalar numbers_divide_in_index args=OWN,5,0
// result: 0 0
// handler: scalar numbers_divide_in_index args=OWN,0xffffffff,0
// result: 0 0

fn numbers_divide_in_index() {
    let b = buffer(arg(0u));
    let i = (arg(1u) / arg(2u)) | (arg(1u) % arg(2u)) | 0x80000000u;
    result(0u, load_bytes(b, i));
}
