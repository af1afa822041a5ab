// Stores a pointer in a private variable.
// expect: rejected "'kept' is invalid"
// handler: scalar attack args=OWN

var<private> kept: ptr<private, u32>;

fn attack() {
    result(0u, *kept);
}
