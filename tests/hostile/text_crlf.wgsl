// Ends its lines as Windows does.
// expect: contained
// handler: scalar text_crlf args=OWN
// result: 6 0

fn text_crlf() {
    // a comment
    result(0u, 6u);
}
