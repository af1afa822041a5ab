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

# The bindings' own benchmarks, against the library as it is installed.
if [ -z "${PART:-}" ] || [ "$PART" = cpp ] || [ "$PART" = go ]; then
    stage=$PWD/target/bench-stage
    quietly cmake_install "$stage"
    export PKG_CONFIG_PATH=$stage/lib/pkgconfig LD_LIBRARY_PATH=$stage/lib
    export ROTA_BENCH_CPP=$stage/cost ROTA_BENCH_GO=''
    # shellcheck disable=SC2046 # flags
    c++ -std=c++17 -O2 -pthread -Ibindings/cpp/include bindings/cpp/bench/cost.cpp -o "$ROTA_BENCH_CPP" $(pkg-config --cflags --libs rota)
    if has_go; then
        ROTA_BENCH_GO=$stage/go-bench
        (cd bindings/go && go build -mod=mod -o "$ROTA_BENCH_GO" ./bench)
    else
        say "without Go $(go_wanted) or later: the Go binding is not measured"
    fi
fi

ROTA_LIB=$(realpath "${CARGO_TARGET_DIR:-target}/release/librota_ffi.so")
export ROTA_LIB
if [ -z "${PART:-}" ] || [ "$PART" = metrics ]; then
    say "building librota without metrics"
    cargo build --release --package rota-ffi --no-default-features --target-dir target/bench-without
    ROTA_LIB_WITHOUT=$(realpath target/bench-without/release/librota_ffi.so)
    export ROTA_LIB_WITHOUT
fi
target/bench-build/release/rota-bench --out target/bench "${arguments[@]}"
