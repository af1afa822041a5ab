#!/usr/bin/env bash
# Installs Rota to one place, moves it to another, and builds and runs the programs of tests/consumers
# against it, outside of this tree. What only works at the place of installation fails here.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh
use_lavapipe

# Runs what a consumer project built; the shared program must use the library of that folder.
run_consumers() {
    local dir=$1 libraries=$2
    ldd "$dir/consumer_shared" | grep -qF "librota.so.${version%%.*} => $libraries/" ||
        die "consumer_shared does not load librota from $libraries: $(ldd "$dir/consumer_shared")"
    ! ldd "$dir/consumer_static" | grep -q librota || die "consumer_static still wants the shared library"
    "$dir/consumer_shared"
    "$dir/consumer_static"
}

version=$(rota_version)
work=$(mktemp -d "${TMPDIR:-/tmp}/rota-install.XXXXXX")
trap 'rm -rf "$work"' EXIT
first=$work/installed-here
# A blank in the path: nothing may rely on there being none. pkg-config itself can't take one.
moved="$work/moved there"
plain=$work/moved-there

quietly cmake_install "$first"

say "the installed files"
(
    cd "$first/lib"
    [ "$(readlink librota.so)" = "librota.so.${version%%.*}" ] || die "librota.so is not the link it should be"
    [ "$(readlink "librota.so.${version%%.*}")" = "librota.so.$version" ] || die "librota.so.N is not the link it should be"
    [ -f "librota.so.$version" ] || die "librota.so.$version is not there"
    [ -f librota.a ] || die "librota.a is not there"
    dynamic=$(readelf -d "librota.so.$version")
    grep -q "SONAME.*\[librota.so.${version%%.*}\]" <<<"$dynamic" || die "wrong SONAME: $(grep SONAME <<<"$dynamic" || true)"
    ! grep -E 'R(UN)?PATH' <<<"$dynamic" || die "the library has a RUNPATH"
    # The Vulkan loader is opened at run time, so that a machine without one gets an error, not a crash.
    others=$(sed -nE 's/.*NEEDED.*\[(.*)\]/\1/p' <<<"$dynamic" | grep -vE '^(libc|libm|libgcc_s|ld-linux[-_0-9a-z]*)\.so' || true)
    [ -z "$others" ] || die "the library needs more than libc, libm and libgcc_s: $others"
)
[ -x "$first/bin/rota" ] || die "bin/rota is not there"
[ -f "$first/include/rota/rota.h" ] || die "include/rota/rota.h is not there"
if grep -rlI -e "$first" -e "$PWD" "$first"; then die "these installed files name the place they were built in or installed to"; fi

mv "$first" "$plain"

say "C by pkg-config, shared and static"
cp -r tests/consumers/pkg-config "$work/"
cp tests/consumers/consumer.c "$work/pkg-config/"
export PKG_CONFIG_PATH="$plain/lib/pkgconfig"
[ "$(pkg-config --modversion rota)" = "$version" ] || die "rota.pc has another version"
quietly make -C "$work/pkg-config" VERSION="$version"
run_consumers "$work/pkg-config" "$plain/lib"
unset PKG_CONFIG_PATH

mv "$plain" "$moved"

say "C by CMake, shared and static"
cp -r tests/consumers/cmake "$work/"
cp tests/consumers/consumer.c "$work/cmake/"
quietly cmake -S "$work/cmake" -B "$work/cmake/build" -DCMAKE_PREFIX_PATH="$moved" -DVERSION="$version"
quietly cmake --build "$work/cmake/build"
run_consumers "$work/cmake/build" "$moved/lib"
# A major version that doesn't exist has to be refused.
! cmake -S "$work/cmake" -B "$work/cmake/other" -DCMAKE_PREFIX_PATH="$moved" -DVERSION=$((${version%%.*} + 1)).0.0 \
    >/dev/null 2>&1 || die "RotaConfigVersion.cmake accepts another major version"

say "C by add_subdirectory, shared and static"
cp -r tests/consumers/subdirectory "$work/"
cp tests/consumers/consumer.c "$work/subdirectory/"
quietly cmake -S "$work/subdirectory" -B "$work/subdirectory/build" -DROTA_SOURCE_DIR="$PWD" -DVERSION="$version" \
    -DCMAKE_BUILD_TYPE=Release
quietly cmake --build "$work/subdirectory/build"
run_consumers "$work/subdirectory/build" "$work/subdirectory/build/rota/rota/release"

say "the tool"
"$moved/bin/rota" --version
