#!/usr/bin/env bash
# The C++ and the Go binding, their examples and the code in their docs, and what Prometheus makes of the
# metrics, against the library as it is installed. --short for `make test`: C++ with one compiler and standard.
# --long for `make test-bindings`: C++ with every compiler and standard, and a minute of load on the Go service.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh
[ "${1:-}" = --short ] || [ "${1:-}" = --long ] || die "--short or --long?"

scripts/setup.sh test
use_lavapipe
stage=$PWD/target/bindings
quietly cmake_install "$stage"
export PKG_CONFIG_PATH=$stage/lib/pkgconfig

say "C++"
if [ "$1" = --long ]; then
    bindings/cpp/test.sh
else
    bindings/cpp/test.sh --compilers g++ --standards 20
fi

if has_go; then
    say "Go"
    [ "$1" = --short ] || export DURATION=60
    bindings/go/test.sh
    say "Prometheus"
    scripts/test-metrics.sh
else
    say "there is no Go $(go_wanted) or later here: the Go binding is NOT tested. Get it from https://go.dev/dl"
fi
