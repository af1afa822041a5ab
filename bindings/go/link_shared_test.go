//go:build !rota_static && !rota_bundled

package rota_test

const staticLink = false
