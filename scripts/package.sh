#!/usr/bin/env bash
# `make package`: builds a release and packs it into target/package: a tarball that can be unpacked
# anywhere, and where dpkg is there, Debian packages: librota0, librota-dev and rota-tools.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

scripts/setup.sh package
out=$PWD/target/package
mkdir -p "$out"
rm -f "$out"/*.tar.gz "$out"/*.deb

# GENERATOR [CMAKE-OPTION…]: each kind has its own folders, so its own configuration.
pack() {
    local build=target/cmake-$1
    cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release "${@:2}" >/dev/null
    cmake --build "$build"
    (umask 022 && cd "$build" && cpack -G "$1" -B "$out")
    rm -rf "$out/_CPack_Packages"
}

quietly pack TGZ -DCMAKE_INSTALL_LIBDIR=lib
if command -v dpkg-shlibdeps >/dev/null; then
    # With the prefix /usr, CMake takes Debian's folder for libraries of more than one architecture.
    quietly pack DEB -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_DOCDIR=share/doc/librota-dev
else
    say "there is no dpkg-shlibdeps here (Debian, Ubuntu: package dpkg-dev): no Debian packages"
fi
for package in "$out"/*; do say "$package, $(($(stat -c %s "$package") / 1024)) KiB"; done
