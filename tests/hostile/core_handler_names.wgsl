// Declares functions of the standard handlers' names: they are its own.
// expect: contained
// handler: scalar nop args=5,6
// result: 77 0
// handler: scalar spin args=5,6
// result: 78 0
// handler: tiled fill tiles=2 args=OWN,0,64,9
// result: 79 0

fn nop() {
    result(0u, 77u);
}

fn spin() {
    result(0u, 78u);
}

fn fill() {
    result_max(0u, 79u);
}
