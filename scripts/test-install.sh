#!/usr/bin/env bash
# Installs Rota to one place, moves it to another, and builds and runs the programs of tests/consumers
# against it, outside of this tree. What only works at the place of installation fails here. Looks at
# the installed files too, and at what a user is told whose versions or files don't fit.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh
use_lavapipe

# PROGRAM FOLDER: the program uses the shared library of that folder.
loads() {
    local libraries
    libraries=$(ldd "$1")
    grep -qF "librota.so.${version%%.*} => $2/" <<<"$libraries" || die "$1 does not load librota from $2: $libraries"
}

# The program has Rota in it.
stands_alone() {
    local libraries
    libraries=$(ldd "$1")
    ! grep -q librota <<<"$libraries" || die "$1 still wants the shared library: $libraries"
}

# Runs what a consumer project built; the shared programs must use the library of that folder.
run_consumers() {
    local dir=$1 program
    for program in consumer consumer_cpp; do
        loads "$dir/${program}_shared" "$2"
        stands_alone "$dir/${program}_static"
        "$dir/${program}_shared"
        "$dir/${program}_static"
    done
}

# TEXT COMMAND…: the command has to fail, and what it says to have the text, however lines are broken.
refused() {
    local text=$1 said
    shift
    if said=$("$@" 2>&1); then die "this should have failed: $*"; fi
    grep -qF -- "$text" <<<"$(tr -s ' \n' ' ' <<<"$said")" || die "'$*' fails without saying '$text': $said"
}

# PROJECT: a copy of it with its sources, outside of this tree.
project() {
    cp -r "tests/consumers/$1" "$work/"
    cp tests/consumers/*.c tests/consumers/*.cpp "$work/$1/"
}

version=$(rota_version)
next_major=$((${version%%.*} + 1)).0.0
work=$(mktemp -d "${TMPDIR:-/tmp}/rota-install.XXXXXX")
trap 'rm -rf "$work"' EXIT
first=$work/installed-here
# A blank in the path: nothing may rely on there being none. pkg-config itself can't take one.
moved="$work/moved there"
plain=$work/moved-there
export ROTA_CACHE_DIR=$work/cache

quietly cmake_install "$first"

say "the installed files"
for file in bin/rota include/rota/rota.h include/rota/rota.hpp lib/pkgconfig/rota.pc lib/cmake/Rota/RotaConfig.cmake \
    share/doc/Rota/README.md share/doc/Rota/docs/c-api.md share/doc/Rota/LICENSE-MIT share/doc/Rota/LICENSE-APACHE; do
    [ -f "$first/$file" ] || die "$file is not there"
done
# Each header, and each document, of the tree.
names() { find "$@" -type f -printf '%f\n' | sort; }
diff <(names "$first/include") <(names include/rota bindings/cpp/include/rota) ||
    die "the installed headers (<) are not those of the tree (>)"
diff <(names "$first/share/doc/Rota/docs") <(names docs -name '*.md') ||
    die "the installed documents (<) are not those of the tree (>)"
if grep -rlI -e "$first" -e "$PWD" "$first"; then die "these installed files name the place they were built in or installed to"; fi
scripts/test-elf.sh "$first/lib"
scripts/test-man.sh "$first"
if chromium_here >/dev/null; then
    scripts/test-report.sh "$first"
else
    say "there is no Chromium here: the page of rota report is NOT looked at. Debian has it as the package chromium"
fi

say "make install with DESTDIR"
quietly make install PREFIX=/opt/rota DESTDIR="$work/staged"
diff -r "$first" "$work/staged/opt/rota" || die "make install gives other files than cmake --install"

mv "$first" "$plain"

say "C and C++ by pkg-config, shared and static"
project pkg-config
export PKG_CONFIG_PATH="$plain/lib/pkgconfig"
[ "$(pkg-config --modversion rota)" = "$version" ] || die "rota.pc has another version"
quietly make -C "$work/pkg-config" VERSION="$version"
run_consumers "$work/pkg-config" "$plain/lib"

# rustc knows what the archive needs when it links one; the rlib of the same build gives the same answer
# without compiling anew. A library named twice is needed the last time only.
say "the libraries of the static one"
release=$(sed -n 's/^ROTA_CARGO_TARGET_DIR:PATH=//p' target/cmake/CMakeCache.txt)/release
told=$(echo 'extern crate rota_ffi as _;' | rustc --crate-name probe --crate-type staticlib --print native-static-libs \
    --extern rota_ffi="$release/librota_ffi.rlib" -L dependency="$release/deps" -o "$work/probe.a" - 2>&1 || true)
wanted=$(sed -n 's/.*native-static-libs: //p' <<<"$told" | tr ' ' '\n' | tac | awk '!seen[$0]++' | tac | xargs)
[ "$wanted" ] || die "rustc names no libraries: $told"
given=$(sed -n 's/^Libs.private: //p' "$PKG_CONFIG_PATH/rota.pc")
[ "$given" = "$wanted" ] || die "rota.pc has '$given' for the static library, rustc says '$wanted'"
given=$(sed -nE '/librota\.a/,$s/.*INTERFACE_LINK_LIBRARIES "(.*)"/-l\1/p' "$plain/lib/cmake/Rota/RotaConfig.cmake")
[ "${given//;/ -l}" = "$wanted" ] || die "RotaConfig.cmake has '$given' for the static library, rustc says '$wanted'"

if has_go; then
    say "Go by pkg-config, shared and static"
    # Go's build cache goes by the folder of a package's sources and not by what pkg-config says: from
    # the tree's own folder it would take what it built for a prefix that is gone.
    cp -r bindings/go "$work/binding"
    cp -r tests/consumers/go "$work/"
    (
        cd "$work/go"
        go mod edit -replace="github.com/rota-compute/rota/bindings/go=$work/binding"
        GOFLAGS=-mod=mod quietly go build -o consumer_shared .
        GOFLAGS=-mod=mod quietly go build -tags rota_static -o consumer_static .
    )
    export LD_LIBRARY_PATH=$plain/lib
    loads "$work/go/consumer_shared" "$plain/lib"
    "$work/go/consumer_shared" "$version"
    unset LD_LIBRARY_PATH
    stands_alone "$work/go/consumer_static"
    "$work/go/consumer_static" "$version"
else
    say "there is no Go $(go_wanted) or later here: the Go consumer is NOT tested. Get it from https://go.dev/dl"
fi

say "what does not fit is refused, and named"
other=$work/pkg-config/other_version.so
refused "expected $version" env LD_PRELOAD="$other" "$work/pkg-config/consumer_shared"
refused "the header of Rota $version, but the library is of-another-major" env LD_PRELOAD="$other" \
    "$work/pkg-config/consumer_cpp_shared"
if has_go; then
    refused "rota.h of version $version, and librota is version $next_major" \
        env LD_PRELOAD="$other" LD_LIBRARY_PATH="$plain/lib" "$work/go/consumer_shared" "$version"
fi
refused "'rota >= $next_major'" pkg-config --print-errors --exists "rota >= $next_major"
unset PKG_CONFIG_PATH

mv "$plain" "$moved"
refused "librota.so.${version%%.*}: cannot open shared object file" "$work/pkg-config/consumer_shared"

project cmake
find_rota() { cmake -S "$work/cmake" -B "$work/cmake/$1" -DCMAKE_PREFIX_PATH="$moved" -DVERSION="$2"; }
refused "compatible with requested version \"$next_major\"" find_rota other-major $next_major
# Before 1.0 a program for an older minor version is not to get this one; a newer one is refused anyhow.
minor=$(cut -d. -f2 <<<"$version")
if [ "${version%%.*}" = 0 ] && [ "$minor" -gt 0 ]; then
    refused "compatible with requested version \"0.$((minor - 1)).9\"" find_rota other-minor "0.$((minor - 1)).9"
fi
mv "$moved/lib/librota.so.$version" "$work/taken-away"
refused "this installation of Rota $version lacks $moved/lib/librota.so.$version" find_rota incomplete "$version"
mv "$work/taken-away" "$moved/lib/librota.so.$version"

say "C and C++ by CMake, shared and static"
quietly find_rota build "$version"
quietly cmake --build "$work/cmake/build"
run_consumers "$work/cmake/build" "$moved/lib"

say "C and C++ by add_subdirectory, shared and static"
project subdirectory
quietly cmake -S "$work/subdirectory" -B "$work/subdirectory/build" -DROTA_SOURCE_DIR="$PWD" -DVERSION="$version" \
    -DCMAKE_BUILD_TYPE=Release
quietly cmake --build "$work/subdirectory/build"
run_consumers "$work/subdirectory/build" "$work/subdirectory/build/rota/rota/release"

say "the tool"
"$moved/bin/rota" --version
