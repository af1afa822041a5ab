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
