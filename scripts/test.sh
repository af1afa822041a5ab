#!/usr/bin/env bash
# `make test`: every check that a change has to pass, in phases; the first failure ends it.
#   scripts/test.sh [PHASE…]    only these: lint unit loom stress install bindings
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

readonly phases=(lint unit loom stress install bindings)
selected=("$@")
[ $# -gt 0 ] || selected=("${phases[@]}")
for phase in "${selected[@]}"; do
    [[ " ${phases[*]} " == *" $phase "* ]] || die "no phase is called '$phase'; there are: ${phases[*]}"
done

lint() { scripts/lint.sh; }

# Unit and integration tests of all crates; tests/c among them compiles and runs the C tests.
unit() { cargo test --workspace; }

# The host's side of the rings, the recorder's stage, and the handles of the C API, under every interleaving that loom
# finds: the same code, other atomics.
# In a folder of its own, since the flag would rebuild everything in the usual one.
loom() {
    local log=target/loom/log
    mkdir -p target/loom
    for package in rota rota-recorder rota-ffi; do
        RUSTFLAGS="${RUSTFLAGS:-} --cfg loom" \
            cargo test --target-dir target/loom --package "$package" --release --lib loom | tee "$log"
        grep -qE 'test result: ok\. [1-9][0-9]* passed' "$log" || die "no loom test of $package ran"
    done
}

stress() { scripts/stress.sh --short; }

install() { scripts/test-install.sh; }

bindings() { scripts/test-bindings.sh --short; }

started=$SECONDS
current=setup
times=''
trap '[ $? = 0 ] || say "FAILED in phase $current after $((SECONDS - started)) s"' EXIT

scripts/setup.sh test
use_lavapipe
for current in "${selected[@]}"; do
    say "phase $current"
    phase_started=$SECONDS
    "$current"
    took=$((SECONDS - phase_started))
    say "phase $current passed in $took s"
    times+=" $current $took s,"
done

say "phases:${times%,}"
if [ ${#selected[@]} = ${#phases[@]} ]; then what="all tests"; else what="the phases ${selected[*]}"; fi
if [[ " ${selected[*]} " == *" bindings "* ]] && ! has_go; then what+=", but for those of the Go binding,"; fi
if [[ " ${selected[*]} " == *" bindings "* ]] && has_go && ! prometheus_here >/dev/null; then what+=", but for Prometheus,"; fi
if [[ " ${selected[*]} " == *" install "* ]] && ! chromium_here >/dev/null; then what+=", but for the look at rota report's page,"; fi
echo "$what passed in $((SECONDS - started)) s"
