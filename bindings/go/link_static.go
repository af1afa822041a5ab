//go:build rota_static

// Links librota.a of the installation that pkg-config finds. pkg-config's own "-lrota" would pick
// the shared library beside it: the archive is named first, and what is then not needed any more is
// left out.

package rota

// #cgo pkg-config: --static rota
// #cgo LDFLAGS: -Wl,--as-needed -l:librota.a
import "C"
