//go:build rota_static || rota_bundled

package rota_test

// staticLink: the library is part of the program.
const staticLink = true
