// Never ends its comment.
// expect: rejected "this comment has no end"
// handler: scalar attack args=OWN

fn attack() {
    result(0u, 1u);
}

/* and so on /* for */ ever
