// Names a function of the prelude as its handler.
// expect: rejected "there is no function 'barrier'"
// handler: tiled barrier tiles=2

fn attack() {
}
