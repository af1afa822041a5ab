// Has names of the core in comments only, nested ones too: they do nothing.
// expect: contained
// handler: scalar comment_harmless args=OWN
// result: 5 0

fn comment_harmless() {
    // rota_fault = 0u;
    /* rota_fuel /* ROTA_LANES */ Rota */
    result(0u, 5u);
}
