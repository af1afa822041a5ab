// Indexes a value that is no variable: a let, a constant, and what a function gives.
// expect: contained
// handler: scalar index_array_value args=OWN,8
// result: 0 0
// handler: scalar index_array_value args=OWN,9
// result: 0 0
// handler: scalar index_array_value args=OWN,0x7fffffff
// result: 0 0
// handler: scalar index_array_value args=OWN,0x80000000
// result: 0 0
// handler: scalar index_array_value args=OWN,0xffffffff
// result: 0 0
// handler: scalar index_array_value args=OWN,0xfffffff8
// result: 0 0

const TABLE = array<u32, 8>(7u, 7u, 7u, 7u, 7u, 7u, 7u, 7u);

fn given(x: u32) -> array<u32, 8> {
    return array<u32, 8>(x, x, x, x, x, x, x, x);
}

fn index_array_value() {
    let row = given(7u);
    let a = row[arg(1u)];
    let b = TABLE[arg(1u)];
    let c = given(7u)[arg(1u)];
    let bad = ((a != 7u) & (a != 0u)) | ((b != 7u) & (b != 0u)) | ((c != 7u) & (c != 0u));
    result_max(0u, select(0u, 1u, bad));
}
