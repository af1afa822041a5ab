// Writes a completion record of another tenant's.
// expect: rejected "the name 'rota_"
// handler: scalar attack args=OWN

fn attack() {
    rota_records[0] = vec4<u32>(1u, 2u, 3u, 4u);
}
