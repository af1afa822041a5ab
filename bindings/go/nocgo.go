//go:build !cgo

// Without cgo there is nothing to bind to. This file makes the compiler say so in one line, where
// it would otherwise list every name of the package as undefined.

package rota

var _ = rota_needs_cgo__set_CGO_ENABLED_1_and_install_a_C_compiler
