// Lets a constant overflow.
// expect: rejected "cannot represent the abstract value"
// handler: scalar attack args=OWN

const A: i32 = 2147483647 + 1;

fn attack() {
    result(0u, bitcast<u32>(A));
}
