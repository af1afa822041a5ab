// Asserts what is false.
// expect: rejected "`const_assert` failure"
// handler: scalar attack args=OWN

const_assert 1 == 2;

fn attack() {
}
