#!/usr/bin/env bash
# `make install PREFIX=P`: builds a release and installs it with CMake; DESTDIR is honoured.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh
[ -n "${1:-}" ] || die "install to where? make install PREFIX=/usr/local"
[ -n "${DESTDIR:-}" ] || unset DESTDIR

scripts/setup.sh install
cmake_install "$1"
say "installed Rota $(rota_version) to ${DESTDIR:-}$1"
[ -z "${DESTDIR:-}" ] || exit 0

# The loader's list of libraries is only brought up to date for the folders that it knows.
library=$(find "$1" -maxdepth 4 -name librota.so.0 -print -quit)
if [ "$(id -u)" = 0 ] && command -v ldconfig >/dev/null; then ldconfig; fi
# Where /lib is a link to /usr/lib, the list names the one and the prefix the other.
if ! ldconfig -p 2>/dev/null | awk '$1 == "librota.so.0" { print $NF }' | xargs -r realpath |
    grep -qxF "$(realpath "$library")"; then
    folder=$(dirname "$library")
    say "programs find it there with PKG_CONFIG_PATH=$folder/pkgconfig when they are built, and"
    say "LD_LIBRARY_PATH=$folder (or -Wl,-rpath,$folder) when they run"
fi
