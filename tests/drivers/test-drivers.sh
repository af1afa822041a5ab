#!/usr/bin/env bash
# `make test-drivers`: all tests of the workspace on each Vulkan driver of scripts/drivers.sh, and a table. The first driver
# records mixed jobs of integer arithmetic, and the others run them again, which has to come to the same.
#   tests/drivers/test-drivers.sh [DRIVER…]    only these
# A driver that could not be fetched, could not be opened, or ran no test counts as failed.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

mapfile -t drivers < <(scripts/drivers.sh list)
[ $# = 0 ] || drivers=("$@")
out=target/drivers/results
row='%-20s %-42s %8s %8s %8s %7s  %s\n'

scripts/setup.sh drivers
say "building the tests"
cargo test --workspace --no-run
cargo build --package rota-cli --package rota-stress
recorded=$out/recorded.log
tool=${CARGO_TARGET_DIR:-target}/debug/rota

# Sums one column of cargo's "test result:" lines.
total() { sed -nE "s/^test result:.* ([0-9]+) $2.*/\1/p" "$1" | awk '{ n += $1 } END { print n + 0 }'; }

# The loader passes over a driver that it can't load, and takes another or none: so the tool is asked
# which one it sees, and its answer must hold Mesa's version, or SwiftShader's name.
check_opened() {
    local driver=$1 package=$2 expected=SwiftShader
    case $driver in lavapipe*) expected=${package##* } expected=${expected%%-*} ;; esac
    "$tool" doctor 2>&1 | tee "$out/$driver.doctor" | grep -F "$expected" >/dev/null ||
        die "the tool does not see $expected; what it said: $out/$driver.doctor"
}

# One driver's tests, in a subshell with its environment; what it prints is the log.
run_tests() (
    set -e
    # SwiftShader's compiler writes `movss` from register to register in the form for stores, which valgrind
    # (3.19) doesn't know: there the programs under valgrind run on lavapipe.
    if [ "$1" = swiftshader ]; then
        ROTA_TEST_VALGRIND_DRIVER=$(
            unset VK_DRIVER_FILES VK_ICD_FILENAMES
            use_lavapipe
            echo "$VK_DRIVER_FILES"
        )
        export ROTA_TEST_VALGRIND_DRIVER
    fi
    settings=$(scripts/drivers.sh env "$1")
    eval "$settings"
    check_opened "$1" "$2"
    cargo test --workspace --no-fail-fast
    if [ -e "$recorded" ]; then
        "$tool" replay run "$recorded"
        "$tool" replay run "$recorded" --as-submitted
    else
        "${tool%/*}/rota-stress" --scenario recorded --jobs 100000 --log "$recorded"
    fi
)

# Adds the driver's row to the table.
test_driver() {
    local driver=$1 log=$out/$1.log package='could not be had' started=$SECONDS result=FAILED
    : >"$log"
    if scripts/drivers.sh fetch "$driver"; then
        package=$(cat "target/drivers/$driver/version")
        say "testing on $driver ($package); log: $log"
        # In the background and waited for: inside a condition `set -e` would not work.
        run_tests "$driver" "$package" >"$log" 2>&1 &
        if wait $! && [ "$(total "$log" passed)" != 0 ]; then result=passed; fi
    fi
    if [ "$result" = FAILED ]; then
        failures=$((failures + 1))
        grep -E '^(test .* FAILED|error|test-drivers: )' "$log" | sed "s/^/  $driver: /" >&2 || true
    fi
    # shellcheck disable=SC2059 # the format is the table's
    printf "$row" "$driver" "$package" "$(total "$log" passed)" "$(total "$log" failed)" "$(total "$log" ignored)" \
        $((SECONDS - started)) "$result" >>"$out/table"
}

mkdir -p "$out"
rm -rf "$recorded" "$recorded.objects"
# shellcheck disable=SC2059
printf "$row" driver package passed failed ignored seconds result >"$out/table"
failures=0
for driver in "${drivers[@]}"; do
    test_driver "$driver"
done
echo
cat "$out/table"
[ "$failures" = 0 ] || die "$failures of ${#drivers[@]} drivers failed"
echo "all tests passed on: ${drivers[*]}"
