// Closes a block that was never opened, to end a wrapper around it.
// expect: rejected "found "}""
// handler: scalar attack args=OWN

fn attack() {
}
}

fn more() {
