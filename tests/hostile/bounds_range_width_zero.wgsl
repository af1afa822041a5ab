// Asks check_range for elements of no width: whatever it says, what is loaded afterwards is checked again.
// expect: fault OUT_OF_BOUNDS
// handler: scalar bounds_range_width_zero args=OWN,0,0xffffffff,0

fn bounds_range_width_zero() {
    let b = buffer(arg(0u));
    let good = check_range(b, arg(1u), arg(2u), arg(3u));
    var seen = 0u;
    if (good) {
        seen = load_u32(b, 64u) | load_u32(b, arg(2u));
    }
    seen |= load_u32(b, 65u);
    result(0u, seen);
}
