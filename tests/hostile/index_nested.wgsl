// Indexes arrays of structs of arrays, each beyond its end.
// expect: contained
// handler: scalar index_nested args=OWN,3
// result: 0 0
// handler: scalar index_nested args=OWN,4
// result: 0 0
// handler: scalar index_nested args=OWN,12
// result: 0 0
// handler: scalar index_nested args=OWN,0x33333333
// result: 0 0
// handler: scalar index_nested args=OWN,0x40000000
// result: 0 0
// handler: scalar index_nested args=OWN,0xffffffff
// result: 0 0

struct Inner {
    row: array<u32, 3>,
    guard: u32,
}

struct Outer {
    guard: u32,
    inner: array<Inner, 3>,
    end: u32,
}

fn index_nested() {
    var it: Outer;
    let i = arg(1u);
    it.inner[i].row[i] = 0xdeadbeefu;
    it.inner[i].row[1] = 0xdeadbeefu;
    it.inner[1].row[i] = 0xdeadbeefu;
    var sum = it.guard | it.end;
    // An index beyond the end may be taken as another one, but a row never reaches its guard.
    for (var k = 0u; k < 3u; k += 1u) {
        sum |= it.inner[k].guard;
    }
    result_max(0u, sum);
}
