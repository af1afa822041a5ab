#!/usr/bin/env bash
# Makes the reference of the C API and of the C++ binding by doxygen, in target/docs/html. A warning of
# doxygen is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

command -v doxygen >/dev/null || die "doxygen is not installed (Debian, Ubuntu: apt-get install doxygen)"
rm -rf target/docs
mkdir -p target/docs
ROTA_VERSION=$(rota_version) doxygen docs/Doxyfile

# Doxygen does not warn of what is in no group.
for name in $(sed -nE 's/^.*\b(rota_[a-z_0-9]+)\(.*$/\1/p; s/^#define (ROTA_[A-Z_0-9]+) .*$/\1/p' include/rota/rota.h | grep -v '^rota_$'); do
    grep -q "<name>$name</name>" target/docs/rota.tag || die "$name is in no page of the reference"
done
say "target/docs/html/index.html"
