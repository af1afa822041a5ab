// Hands check_range a first and a count whose sum wraps, and widths of nothing and of everything.
// expect: fault OUT_OF_BOUNDS
// handler: scalar bounds_range_check_wraps args=OWN,0xffffffff,2,4
// handler: scalar bounds_range_check_wraps args=OWN,1,0xffffffff,4
// handler: scalar bounds_range_check_wraps args=OWN,0x40000000,0x40000000,4
// handler: scalar bounds_range_check_wraps args=OWN,0,1,0xffffffff
// handler: scalar bounds_range_check_wraps args=OWN,0,0x40000001,4
// handler: scalar bounds_range_check_wraps args=OWN,65,0,4

fn bounds_range_check_wraps() {
    let b = buffer(arg(0u));
    result(0u, select(0u, 1u, check_range(b, arg(1u), arg(2u), arg(3u))));
}
