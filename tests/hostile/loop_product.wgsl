// Nests six loops of a thousand passes each.
// expect: fault FUEL_EXHAUSTED
// handler: scalar loop_product fuel=300 args=OWN
// result: 0 0

fn loop_product() {
    var n = 0u;
    for (var a = 0u; a < 1000u; a += 1u) {
        for (var b = 0u; b < 1000u; b += 1u) {
            for (var c = 0u; c < 1000u; c += 1u) {
                for (var d = 0u; d < 1000u; d += 1u) {
                    for (var e = 0u; e < 1000u; e += 1u) {
                        for (var f = 0u; f < 1000u; f += 1u) {
                            n += 1u;
                        }
                    }
                }
            }
        }
    }
    result_max(0u, n >> 10u);
}
