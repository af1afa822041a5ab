// Turns the direction of text around, so that people read another order than there is.
// expect: contained
// handler: scalar text_right_to_left args=OWN
// result: 6 0

fn text_right_to_left() {
    // ‮ } ;u0 = tluaf ⁦ ‬
    result(0u, 6u);
}
