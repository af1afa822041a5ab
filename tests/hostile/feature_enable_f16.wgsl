// Turns half precision on.
// expect: rejected "global directive"
// handler: scalar attack args=OWN

enable f16;

fn attack() {
    let x = 1.5h;
    result(0u, u32(x));
}
