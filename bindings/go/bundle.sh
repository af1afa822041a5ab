#!/bin/sh
# Copies librota.a and rota.h of the installed Rota into lib/<os>_<arch>, for the build tag
# rota_bundled. Rota is found through pkg-config, or as PREFIX where that is set.
set -eu
cd "$(dirname "$0")"
if [ -n "${PREFIX:-}" ]; then
    libs=$PREFIX/lib headers=$PREFIX/include
else
    libs=$(pkg-config --variable=libdir rota)
    headers=$(pkg-config --variable=includedir rota)
fi
to=lib/$(go env GOOS)_$(go env GOARCH)
if [ ! -d "$to" ]; then
    echo "bundle.sh: no $to: Rota is built and tested on linux_amd64 only" >&2
    exit 1
fi
cp "$libs/librota.a" "$to/librota.a"
cp "$headers/rota/rota.h" "$to/rota.h"
echo "$to holds librota.a and rota.h"
