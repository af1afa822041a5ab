//go:build rota_bundled

// Links the archive that bundle.sh has put beside the package: no installed Rota, no pkg-config.
// The folders under lib are packages, so that "go mod vendor" copies them.

package rota

// #cgo CFLAGS: -DROTA_GO_BUNDLED
// #cgo linux,amd64 CFLAGS: -I${SRCDIR}/lib/linux_amd64
import "C"

import _ "github.com/rota-compute/rota/bindings/go/lib/linux_amd64"
