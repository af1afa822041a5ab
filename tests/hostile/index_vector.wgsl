// Reads and writes a vector's components by an index beyond them.
// expect: contained
// handler: scalar index_vector args=OWN,4
// result: 0 0
// handler: scalar index_vector args=OWN,5
// result: 0 0
// handler: scalar index_vector args=OWN,16
// result: 0 0
// handler: scalar index_vector args=OWN,0x40000000
// result: 0 0
// handler: scalar index_vector args=OWN,0xffffffff
// result: 0 0

struct Trap {
    before: vec4<u32>,
    it: vec4<u32>,
    after: vec4<u32>,
}

fn index_vector() {
    var trap = Trap(vec4<u32>(3u), vec4<u32>(7u), vec4<u32>(5u));
    let value = vec4<u32>(7u);
    let seen = trap.it[arg(1u)];
    let also = value[arg(1u)];
    trap.it[arg(1u)] = 0xdeadbeefu;
    let good = all(trap.before == vec4<u32>(3u)) & all(trap.after == vec4<u32>(5u));
    let own = ((seen == 7u) | (seen == 0u)) & ((also == 7u) | (also == 0u));
    result_max(0u, select(1u, 0u, good & own));
}
