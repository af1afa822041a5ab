#!/usr/bin/env bash
# Makes the packages and looks at them as a user meets them: the tarball is unpacked somewhere, the
# Debian packages pass lintian and are installed by dpkg into a folder with the machine's own list of
# packages, so that dependencies count; the programs of tests/consumers are built against both and run.
# Nothing is left on the machine.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh
scripts/package.sh
use_lavapipe

version=$(rota_version)
major=${version%%.*}
packages=$PWD/target/package
work=$(mktemp -d "${TMPDIR:-/tmp}/rota-package.XXXXXX")
trap 'rm -rf "$work"' EXIT
export ROTA_CACHE_DIR=$work/cache

# LIBRARIES: builds and runs the consumers with the rota.pc that lies there, and nothing else of Rota.
run_consumers() {
    local programs=$work/programs program output
    rm -rf "$programs"
    cp -r tests/consumers/pkg-config "$programs"
    cp tests/consumers/*.c tests/consumers/*.cpp "$programs/"
    # The other folders of pkg-config are left out: an installed Rota of this machine is not to be found.
    PKG_CONFIG_LIBDIR=$1/pkgconfig quietly make -C "$programs" VERSION="$version"
    output=$(ldd "$programs/consumer_shared")
    grep -qF "librota.so.$major => $1/" <<<"$output" || die "the program does not load librota from $1: $output"
    for program in consumer_shared consumer_static consumer_cpp_shared consumer_cpp_static; do "$programs/$program"; done
}

say "the tarball"
tar -xzf "$packages"/rota-"$version"-*.tar.gz -C "$work"
unpacked=$(echo "$work"/rota-"$version"-*)
run_consumers "$unpacked/lib"
scripts/test-elf.sh "$unpacked/lib"
"$unpacked/bin/rota" --version

if ! [ -f "$packages/librota${major}_$version-1_$(dpkg --print-architecture 2>/dev/null).deb" ]; then
    say "no Debian packages can be made here: they are NOT tested"
    exit
fi

if command -v lintian >/dev/null; then
    say "lintian"
    # It wants the first upload to close the wish for the package, which is for Debian itself to have.
    lintian --allow-root --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "$packages"/*.deb
else
    say "lintian is not installed (Debian, Ubuntu: package lintian): the packages are NOT checked by it"
fi

say "installing by dpkg, into a folder"
root=$work/root
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/triggers"
# Without what a Rota of this machine would bring.
awk -v RS= -v ORS='\n\n' '!/^Package: (librota|rota-tools)/' /var/lib/dpkg/status >"$root/var/lib/dpkg/status"
as_root=()
[ "$(id -u)" = 0 ] || as_root=(fakeroot)
# dpkg warns that the machine's packages have no files in the folder, hundreds of times.
dpkg_there() { PATH=$PATH:/usr/sbin:/sbin "${as_root[@]}" dpkg --root="$root" --force-not-root "$@"; }

if dpkg_there --install "$packages"/librota-dev_*.deb >"$work/log" 2>&1; then
    die "librota-dev can be installed without librota$major"
fi
grep -q "depends on librota$major (= $version-1)" "$work/log" || die "librota-dev is refused for something else: $(cat "$work/log")"
quietly dpkg_there --install "$packages"/*.deb
differs=$(dpkg_there --verify "librota$major" librota-dev rota-tools 2>&1 || true)
[ -z "$differs" ] || die "what is installed is not what was packed: $differs"

libraries=$root/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)
run_consumers "$libraries"
scripts/test-elf.sh "$libraries"
"$root/usr/bin/rota" --version
for file in "man/man1/rota.1.gz" "man/man3/librota.3.gz" "doc/librota$major/copyright" doc/librota-dev/changelog.gz \
    doc/librota-dev/docs/c-api.md; do
    [ -s "$root/usr/share/$file" ] || die "share/$file is not there"
done
gzip -dc "$root/usr/share/man/man1/rota.1.gz" | cmp - target/cmake-DEB/rota.1

say "C and C++ by CMake, against the folder"
cp -r tests/consumers/cmake "$work/"
cp tests/consumers/*.c tests/consumers/*.cpp "$work/cmake/"
quietly cmake -S "$work/cmake" -B "$work/cmake/build" -DCMAKE_PREFIX_PATH="$root/usr" -DVERSION="$version"
grep -q "Rota_DIR:PATH=$root/" "$work/cmake/build/CMakeCache.txt" || die "CMake found another Rota"
quietly cmake --build "$work/cmake/build"
"$work/cmake/build/consumer_shared"
"$work/cmake/build/consumer_cpp_static"

say "removing by dpkg"
quietly dpkg_there --purge rota-tools librota-dev "librota$major"
left=$(find "$root" ! -type d ! -path "$root/var/lib/dpkg/*")
[ -z "$left" ] || die "this is left after removing: $left"
say "the packages are good"
