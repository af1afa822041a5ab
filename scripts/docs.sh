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

# Doxygen does not warn of what is in no topic.
grouped=$(sed -n '/<compound kind="group">/,/<\/compound>/p' target/docs/rota.tag)
mapfile -t names < <(sed -nE 's/^[a-z].*\b(rota_[a-z_0-9]+)\(.*$/\1/p
    s/^#define (ROTA_[A-Z_0-9]+) .*$/\1/p
    s/^typedef struct .* (rota_[a-z_]+);$/\1/p
    s/^typedef struct (rota_[a-z_]+) \{$/\1/p' include/rota/rota.h)
[ ${#names[@]} -gt 100 ] || die "rota.h is read wrongly: ${#names[@]} names"
for name in "${names[@]}"; do
    grep -qE ">$name<" <<<"$grouped" || die "$name is in no topic of the reference"
done
say "target/docs/html/index.html"
