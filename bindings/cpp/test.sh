#!/usr/bin/env bash
# Tests the C++ binding against an installed librota, which pkg-config finds: one line per test, exit
# status 1 if any failed.
#
#   bindings/cpp/test.sh [--compilers "g++ clang++"] [--standards "17 20 23"] [--only PATTERN]
#
# Every program of tests/ is built and run with each compiler and standard; without exceptions and
# RTTI with each compiler and the first standard; under AddressSanitizer and UBSan with the first
# compiler and the last standard. Then come what must not compile, a program of parts that were built
# differently, each header alone, what of rota.h is bound, the examples, and the code in README.md and in
# the project's manuals.
# --only runs the tests whose line contains the pattern. JOBS (default: the cores) is how many run at
# once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
export here root

compilers="g++ clang++"
standards="17 20 23"
only=""
while [ $# -gt 0 ]; do
    case $1 in
    --compilers) compilers=$2 ;;
    --standards) standards=$2 ;;
    --only) only=$2 ;;
    *)
        echo "usage: $0 [--compilers \"g++ clang++\"] [--standards \"17 20 23\"] [--only PATTERN]" >&2
        exit 2
        ;;
    esac
    shift 2
done

for tool in pkg-config cc $compilers; do
    command -v "$tool" >/dev/null || {
        echo "$tool is missing (Debian, Ubuntu: apt-get install pkg-config g++ clang)" >&2
        exit 1
    }
done
pkg-config --exists rota || {
    echo "pkg-config doesn't find rota: set PKG_CONFIG_PATH to lib/pkgconfig where it is installed" >&2
    exit 1
}
CFLAGS="-I$here/include $(pkg-config --cflags rota)"
LIBS="$(pkg-config --libs rota) -Wl,-rpath,$(pkg-config --variable=libdir rota) -pthread -ldl"
HEADER="$(pkg-config --variable=includedir rota)/rota/rota.h"
WARNINGS="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
    -Wnon-virtual-dtor -Woverloaded-virtual -Werror"
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
export CFLAGS LIBS HEADER WARNINGS SCRATCH
export ROTA_CACHE_DIR="$SCRATCH/cache"
cc -c "$root/tests/c/sanitized/libraries_stay.c" -o "$SCRATCH/libraries_stay.o"

# The ways to build a program.
flags_of() {
    case $1 in
    plain) echo "-O1" ;;
    bare) echo "-O1 -fno-exceptions -fno-rtti" ;;
    # What gcc warns of in instrumented code is often not there; the plain way is the one to pass.
    sanitized) echo "-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -Wno-error $SCRATCH/libraries_stay.o" ;;
    esac
}

# g++ 12 and clang++ 14 know C++23 by the name it had before it was finished.
standard() { if [ "$1" = 23 ]; then echo "-std=c++2b"; else echo "-std=c++$1"; fi; }

compile() { # COMPILER STANDARD [ARGUMENT...]
    # shellcheck disable=SC2046,SC2086
    "$1" $(standard "$2") $WARNINGS $CFLAGS "${@:3}"
}

run() { # PROGRAM
    ASAN_OPTIONS=detect_leaks=1 LSAN_OPTIONS="print_suppressions=0:suppressions=$root/tests/c/leaks.supp" \
        timeout 300 "$1" </dev/null
}

test_program() { # COMPILER STANDARD WAY SOURCE
    local program="$SCRATCH/${4##*/}.$1.$2.$3"
    # shellcheck disable=SC2046,SC2086
    compile "$1" "$2" $(flags_of "$3") "$here/$4" -o "$program" $LIBS && run "$program"
    local status=$?
    rm -f "$program"
    return $status
}

test_example() { # COMPILER STANDARD SOURCE
    local program="$SCRATCH/${3##*/}.$1.$2"
    # shellcheck disable=SC2086
    compile "$1" "$2" -O2 "$root/$3" -o "$program" $LIBS && run "$program"
}

# The file compiles, and with WRONG defined it doesn't, for the reason that it gives.
test_refused() { # COMPILER STANDARD SOURCE
    local reason said
    reason=$(sed -n 's|^// Refused with: ||p' "$here/$3")
    [ -n "$reason" ] || { echo "$3 doesn't say what it is refused with"; return 1; }
    compile "$1" "$2" -fsyntax-only "$here/$3" || return 1
    if said=$(compile "$1" "$2" -fsyntax-only -DWRONG "$here/$3" 2>&1); then
        echo "it compiles"
        return 1
    fi
    grep -qF -- "$reason" <<<"$said" || { echo "the reason is not \"$reason\": $said"; return 1; }
}

test_headers() { # COMPILER STANDARD
    local header
    for header in "$here"/include/rota/*.hpp; do
        printf '#include <rota/%s>\nint main() {}\n' "${header##*/}" |
            compile "$1" "$2" -fsyntax-only -x c++ - || return 1
    done
}

test_mixed() { # COMPILER
    local folder="$SCRATCH/mixed.$1" part
    mkdir -p "$folder"
    for part in 17 17_no_exceptions 20 23; do
        # shellcheck disable=SC2046
        compile "$1" "${part%%_*}" $([ "$part" = 17_no_exceptions ] && echo -fno-exceptions) \
            "-DPART=part_$part" -c "$here/tests/mixed_standards/part.cpp" -o "$folder/$part.o" ||
            return 1
    done
    # shellcheck disable=SC2086
    compile "$1" 17 "$here/tests/mixed_standards/main.cpp" "$folder"/*.o -o "$folder/main" $LIBS &&
        run "$folder/main"
}

# Code without its comments.
code_of() { cat "$@" | g++ -fpreprocessed -dD -E -P -x c++ - 2>/dev/null; }

must_bind() { # WHAT PREFIX: the names come on stdin
    local name names code missing=0
    names=$(cat)
    [ "$(wc -w <<<"$names")" -ge 30 ] || { echo "rota.h has only these $1s: $names"; return 1; }
    code=$(code_of "$here"/include/rota/*.hpp)
    for name in $names; do
        grep -qE "$2$name\\b" <<<"$code" || { echo "the $1 $name is not bound"; missing=1; }
    done
    return $missing
}

test_functions_bound() {
    code_of "$HEADER" | grep -oE '\brota_[a-z_0-9]+\(' | tr -d '(' | sort -u | must_bind function ::
}

test_constants_bound() {
    sed -nE 's/^#define (ROTA_[A-Z_0-9]+) [0-9U].*/\1/p' "$HEADER" | must_bind constant '\b'
}

# Each ```cpp block of a document is a whole program. It runs in a folder of its own.
test_document() { # COMPILER STANDARD DOCUMENT
    local folder="$SCRATCH/${3##*/}.$1.$2" source
    mkdir -p "$folder"
    awk -v folder="$folder" '
        /^```cpp/ { file = folder "/" ++n ".cpp"; next }
        /^```/ { file = ""; next }
        file { print > file }' "$root/$3"
    [ -e "$folder/1.cpp" ] || { echo "$3 has no code"; return 1; }
    for source in "$folder"/*.cpp; do
        # shellcheck disable=SC2086
        compile "$1" "$2" "$source" -o "$source.run" $LIBS && (cd "$folder" && run "$source.run") ||
            return 1
    done
}

one() { # LINE: the function and its arguments
    local said status=0
    # shellcheck disable=SC2086
    said=$($1 2>&1) || status=$?
    if [ $status -eq 0 ]; then
        echo "ok      ${1#test_}"
    else
        printf 'FAILED  %s\n        %s\n' "${1#test_}" "${said//$'\n'/$'\n        '}"
        return 1
    fi
}
export -f flags_of standard compile run test_program test_example test_refused test_headers \
    test_mixed code_of must_bind test_functions_bound test_constants_bound test_document one

list() {
    local compiler standard source first=${compilers%% *} lowest=${standards%% *}
    local highest=${standards##* }
    echo test_functions_bound
    echo test_constants_bound
    for compiler in $compilers; do
        for standard in $standards; do
            echo "test_headers $compiler $standard"
            for source in tests/*.cpp; do echo "test_program $compiler $standard plain $source"; done
        done
        for source in tests/*.cpp; do echo "test_program $compiler $lowest bare $source"; done
        for source in tests/compile_fail/*.cpp; do echo "test_refused $compiler $lowest $source"; done
        echo "test_mixed $compiler"
        for source in bindings/cpp/README.md docs/recorder.md; do
            echo "test_document $compiler $lowest $source"
        done
        for source in "$root"/examples/cpp/*.cpp; do
            standard=$(grep -qF '<coroutine>' "$source" && echo 20 || echo 17)
            echo "test_example $compiler $standard ${source#"$root"/}"
        done
    done
    for source in tests/*.cpp; do echo "test_program $first $highest sanitized $source"; done
}

cd "$here"
chosen=$(list | grep -F -- "$only" || true)
[ -n "$chosen" ] || { echo "no test's line contains: $only" >&2; exit 2; }
failed=0
# shellcheck disable=SC2016 # the inner bash expands it
xargs -d '\n' -P "${JOBS:-$(nproc)}" -I '{}' bash -c 'one "$1"' _ '{}' <<<"$chosen" || failed=1
if [ $failed -ne 0 ]; then
    echo "some tests of the C++ binding failed" >&2
    exit 1
fi
echo "all $(wc -l <<<"$chosen") tests of the C++ binding passed"
