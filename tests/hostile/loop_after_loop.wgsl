// Goes on to the next endless loop after each one that was cut.
// expect: fault FUEL_EXHAUSTED
// handler: tiled loop_after_loop tiles=6 fuel=100 args=OWN
// result: 0 0

fn loop_after_loop() {
    var n = 0u;
    for (;;) { n += 1u; if (n == 0u) { break; } }
    for (;;) { n += 1u; if (n == 0u) { break; } }
    for (;;) { n += 1u; if (n == 0u) { break; } }
    for (;;) { n += 1u; if (n == 0u) { break; } }
    for (;;) { n += 1u; if (n == 0u) { break; } }
    for (;;) { n += 1u; if (n == 0u) { break; } }
    for (;;) { n += 1u; if (n == 0u) { break; } }
    for (;;) { n += 1u; if (n == 0u) { break; } }
    // All loops together had the fuel of one.
    result_max(0u, n >> 9u);
}
