// Uses a name that begins with two underscores.
// expect: rejected "reserved prefix"
// handler: scalar attack args=OWN

fn attack() {
    var __it = 1u;
    result(0u, __it);
}
