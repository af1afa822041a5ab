// Package linux_amd64 is where bundle.sh puts librota.a and rota.h of this platform, for programs
// that are built with the tag rota_bundled. It has nothing to call.
package linux_amd64
