// Has the codes that colour a terminal next to an error.
// expect: rejected "found "\"""
// handler: scalar attack args=OWN

fn attack() {
    let x = "[31mred[0m";
}
