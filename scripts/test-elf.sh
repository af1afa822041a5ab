#!/usr/bin/env bash
# Looks at an installed librota.so as the loader does: its name, what it needs, its size, that it is
# stripped, and the lowest glibc it runs with, which docs/operations.md promises.
#   scripts/test-elf.sh FOLDER    where librota.so lies
set -euo pipefail
folder=$(cd "${1:?which folder has librota.so?}" && pwd)
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

version=$(rota_version)
major=${version%%.*}
library=$folder/librota.so.$version
readonly limit=$((10 * 1024 * 1024))

[ "$(readlink "$folder/librota.so")" = "librota.so.$major" ] || die "librota.so is not the link it should be"
[ "$(readlink "$folder/librota.so.$major")" = "librota.so.$version" ] || die "librota.so.$major is not the link it should be"
[ -f "$library" ] || die "$library is not there"
[ -f "$folder/librota.a" ] || die "librota.a is not there"

dynamic=$(readelf -dW "$library")
grep -q "SONAME.*\[librota.so.$major\]" <<<"$dynamic" || die "wrong SONAME: $(grep SONAME <<<"$dynamic" || true)"
! grep -E 'R(UN)?PATH' <<<"$dynamic" || die "the library has a RUNPATH"

# The Vulkan loader is opened at run time, so that a machine without one gets an error, not a crash.
needed=$(sed -nE 's/.*NEEDED.*\[(.*)\]/\1/p' <<<"$dynamic")
grep -q '^libc\.so' <<<"$needed" || die "no libc among what the library needs: $needed"
others=$(grep -vE '^(libc|libm|libgcc_s|ld-linux[-_0-9a-z]*)\.so' <<<"$needed" || true)
[ -z "$others" ] || die "the library needs more than libc, libm and libgcc_s: $others"

sections=$(readelf -SW "$library")
grep -q '\.dynsym' <<<"$sections" || die "readelf shows no sections"
! grep -E '\.(symtab|debug_[a-z]+)' <<<"$sections" || die "the library is not stripped"
size=$(stat -c %s "$library")
[ "$size" -le "$limit" ] || die "the library has $size bytes, at most $limit are allowed"
debug=$(readelf -SW "$folder/librota.a" | grep -c '\.debug_info' || true)
[ "$debug" = 0 ] || die "librota.a has debug information in $debug of its objects"

# Versions whose symbols are all weak are not needed to load.
glibc=$(readelf -VW "$library" | sed -nE 's/.*Name: GLIBC_([0-9.]+) +Flags: none.*/\1/p' | sort -V | tail -n1)
[ "$glibc" ] || die "readelf shows no version of glibc"
promised=$(sed -nE 's/.*glibc ([0-9.]+[0-9]) or later.*/\1/p' docs/operations.md)
[ "$promised" ] || die "docs/operations.md does not say which glibc is needed"
[ "$(printf '%s\n' "$glibc" "$promised" | sort -V | tail -n1)" = "$promised" ] ||
    die "the library needs glibc $glibc, docs/operations.md says $promised: $(readelf -W --dyn-syms "$library" |
        grep -oE "[a-z_0-9]+@GLIBC_$glibc\b" | sort -u | tr '\n' ' ')"

say "librota.so: $((size / 1024)) KiB, needs $(tr '\n' ' ' <<<"$needed")and glibc $glibc or later"
