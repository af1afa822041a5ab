//go:build rota_bundled && linux && amd64

package linux_amd64

// #cgo LDFLAGS: ${SRCDIR}/librota.a -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc
import "C"
