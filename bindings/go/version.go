// The versions of header and library, and what fits together.

package rota

// #include "shim.h"
import "C"

// Version is the library's version, such as "0.1.0".
func Version() string { return C.GoString(C.rota_version_text()) }

const headerVersion = C.ROTA_VERSION_MAJOR<<16 | C.ROTA_VERSION_MINOR<<8 | C.ROTA_VERSION_PATCH

// checkVersion wants equal major versions, and before 1.0, where nothing is promised, equal minor
// versions too.
func checkVersion(header, library uint32) error {
	same := header>>16 == library>>16
	if header>>16 == 0 {
		same = header>>8 == library>>8
	}
	if !same {
		return &VersionError{Header: header, Library: library}
	}
	return nil
}
