// Declares constants by each other.
// expect: rejected "is cyclic"
// handler: scalar attack args=OWN

const A = B;
const B = A;

fn attack() {
    result(0u, A);
}
