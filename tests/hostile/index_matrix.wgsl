// Reads and writes a matrix's columns and rows by indices beyond them.
// expect: contained
// handler: scalar index_matrix args=OWN,3
// result: 0 0
// handler: scalar index_matrix args=OWN,4
// result: 0 0
// handler: scalar index_matrix args=OWN,12
// result: 0 0
// handler: scalar index_matrix args=OWN,0x40000000
// result: 0 0
// handler: scalar index_matrix args=OWN,0xffffffff
// result: 0 0

struct Trap {
    before: mat3x3<f32>,
    it: mat3x3<f32>,
    after: mat3x3<f32>,
}

fn index_matrix() {
    var trap: Trap;
    trap.it = mat3x3<f32>(vec3<f32>(7.0), vec3<f32>(7.0), vec3<f32>(7.0));
    let seen = trap.it[arg(1u)][arg(1u)];
    trap.it[arg(1u)] = vec3<f32>(9.0);
    trap.it[1][arg(1u)] = 9.0;
    trap.it[arg(1u)][2] = 9.0;
    var sum = 0.0;
    for (var i = 0u; i < 3u; i += 1u) {
        sum += dot(abs(trap.before[i]), vec3<f32>(1.0)) + dot(abs(trap.after[i]), vec3<f32>(1.0));
    }
    result_max(0u, select(1u, 0u, (sum == 0.0) & ((seen == 7.0) | (seen == 0.0))));
}
