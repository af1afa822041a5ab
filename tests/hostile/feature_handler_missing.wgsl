// Names a handler that it doesn't have.
// expect: rejected "there is no function 'attack'"
// handler: scalar attack args=OWN

fn other() {
}
