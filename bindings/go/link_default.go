//go:build !rota_static && !rota_bundled

// Links the shared library that pkg-config finds. The other ways are in link_static.go and
// link_bundled.go.

package rota

// #cgo pkg-config: rota
import "C"
