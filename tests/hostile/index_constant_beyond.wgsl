// Indexes an array by a constant beyond its end.
// expect: rejected "is out of"
// handler: scalar attack args=OWN

fn attack() {
    var row: array<u32, 4>;
    result(0u, row[4]);
}
