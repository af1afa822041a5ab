// Declares structs inside each other.
// expect: rejected "is cyclic"
// handler: scalar attack args=OWN

struct A {
    b: B,
}

struct B {
    a: A,
}

fn attack() {
    var it: A;
}
