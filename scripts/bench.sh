#!/usr/bin/env bash
# `make bench`: builds librota and the benchmarks (a workspace of their own) as releases and runs them.
# The reports are target/bench/report.json and report.md.
#   PART=round_trip    this part only
#   LONG=1             longer runs, for figures to keep
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

scripts/setup.sh bench
say "building librota and the benchmarks (minutes the first time)"
cargo build --release --package rota-ffi
cargo build --release --manifest-path bench/Cargo.toml --target-dir target/bench-build

arguments=()
[ -z "${PART:-}" ] || arguments+=(--part "$PART")
[ -z "${LONG:-}" ] || arguments+=(--long)
mkdir -p target/bench
ROTA_LIB=$(realpath "${CARGO_TARGET_DIR:-target}/release/librota_ffi.so")
export ROTA_LIB
target/bench-build/release/rota-bench --out target/bench "${arguments[@]}"
