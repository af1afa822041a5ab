#!/usr/bin/env bash
# `make demo`: installs a release under target/demo, builds the C examples against it as a user would,
# and scans files: those given, else the sources of the crates that the build downloaded. The flight recorder logs it, and
# at the end all of it is run again from the log.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

scripts/setup.sh demo
prefix=$PWD/target/demo/prefix
say "building a release and installing it to target/demo/prefix (minutes the first time)"
# cargo tells its progress on stderr; what CMake says is of no interest here.
cmake_install "$prefix" >/dev/null
say "building the C examples against it"
quietly cmake -S examples/c -B target/demo/build -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release
quietly cmake --build target/demo/build

if [ $# = 0 ]; then
    set -- "${CARGO_HOME:-$HOME/.cargo}/registry/src"
    # Where the crates were vendored there is no such folder; this project's own sources are text as well.
    [ -d "$1" ] || set -- runtime ffi examples
fi
log=target/demo/scan.log
rm -rf "$log" "$log.objects"
ROTA_RECORD=$log ROTA_CAPTURE=full target/demo/build/scan "$@"
# `--help` runs nothing.
[ -e "$log" ] || exit 0

code=0
replay=$("$prefix/bin/rota" replay run "$log") || code=$?
# What stands behind a label.
told() { sed -nE "s/^ *$1 +//p" <<<"$replay"; }
echo
echo "Replayed  $(told jobs) jobs from $log: $(told same) of $(told compared) compared came out the same"
if [ "$code" != 0 ]; then
    echo "$replay"
    # 3: not all of it could be compared, because the files given are more than the log may keep of them.
    [ "$code" = 3 ] || exit "$code"
fi
