#!/usr/bin/env bash
# Many jobs, many threads, leases that end all the time: every job exactly once, every result right.
# Then random handlers, in the kernel and in an interpreter, and the exhaustive model of the kernel's side.
# --short for `make test`, --long for `make stress`.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh
[ "${1:-}" = --short ] || [ "${1:-}" = --long ] || die "--short or --long?"

scripts/setup.sh test
use_lavapipe
cargo run --release --package rota-stress -- "$1"
# `make test` runs a sixth of these sources, looks for leftovers over some thousands of tiles, not a million, and lets a log
# crash at some places of each write, not at all.
if [ "$1" = --long ]; then
    ROTA_TEST_HOSTILE=all cargo test --package rota --test hostile
    ROTA_TEST_LEFTOVERS=all cargo test --package rota --test engine left
    ROTA_TEST_CRASH=all ROTA_TEST_FUZZ=5000000 cargo test --release --package rota-recorder
fi
cargo run --release --package rota-property -- "$1"
cargo run --release --package rota-model -- "$1"
