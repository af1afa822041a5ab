#!/usr/bin/env bash
# Holds the man pages against what they are about: rota(1) against what the tool says of itself,
# librota(3) against the header's functions and the variables in docs/operations.md.
#   scripts/test-man.sh PREFIX    where Rota is installed
set -euo pipefail
prefix=$(cd "${1:?where is Rota installed?}" && pwd)
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

# The text of a page, as a terminal shows it but with nothing broken or bold; also finds its mistakes.
text_of() {
    local page=$1 wrong
    [ -f "$page" ] || die "$page is not there"
    wrong=$(groff -man -ww -z "$page" 2>&1)
    [ -z "$wrong" ] || die "$page: $wrong"
    groff -man -Tascii -P-cbou -rLL=500n "$page"
}

# WHAT ONE OTHER: two lists have to be the same.
same() {
    [ "$(wc -w <<<"$2")" -gt 2 ] || die "$1: the list is too short: $2"
    local differs
    differs=$(diff <(tr ' ' '\n' <<<"$2" | sort -u) <(tr ' ' '\n' <<<"$3" | sort -u) | grep '^[<>]' || true)
    [ -z "$differs" ] || die "$1 differ (< what it is about, > the man page): $differs"
}

# Options, but for what is said of the shell.
options_of() { grep -oE -- '(^|[^a-z-])--[a-z]+' | grep -oE -- '--[a-z]+' | sort -u; }

# The part of a page from one heading to the next.
section() { sed -n "/^$1\$/,/^[A-Z]/{/^[A-Z]/!p}"; }

tool=$prefix/bin/rota
page=$(text_of "$prefix/share/man/man1/rota.1")
grep -q "Rota $(rota_version)" <<<"$page" || die "rota(1) is of another version"
commands=$("$tool" --help | sed -nE 's/^  rota ([a-z]+) .*/\1/p')
grep -qw doctor <<<"$commands" || die "rota --help lists no commands"
help=$("$tool" --help)
for command in $commands; do
    [ "$command" = help ] || help+=$'\n'$("$tool" help "$command")
done
same "commands" "$commands" "$(grep -oE '^ +rota [a-z]+' <<<"$(section SYNOPSIS <<<"$page")" | awk '{ print $2 }')"
same "options" "$(options_of <<<"$help")" "$(options_of <<<"$page")"
same "options in the list" "$(options_of <<<"$help")" "$(section OPTIONS <<<"$page" | grep -oE '^ +--[a-z]+' | options_of)"
# Values, limits and exit codes: each number and each name in the tool's own words stands on the page too.
while read -r word; do
    grep -qw -- "$word" <<<"$page" || die "rota(1) does not have the '$word' of rota help"
done < <(grep -oE '\b([0-9]+\.)?[0-9]+\b|\b(cpu|integrated|discrete|virtual|auto|resident|batch)\b' <<<"$help" | sort -u)

page=$(text_of "$prefix/share/man/man3/librota.3")
grep -q "Rota $(rota_version)" <<<"$page" || die "librota(3) is of another version"
same "functions" "$(grep -vE '^ *//|^typedef' "$prefix/include/rota/rota.h" | grep -oE '\brota_[a-z_0-9]+\(' | tr -d '(' | sort -u)" \
    "$(section FUNCTIONS <<<"$page" | sed -nE 's/^ +(rota_[a-z_0-9]+) ?\(\).*/\1/p')"
# shellcheck disable=SC2016 # the backticks are the document's
same "environment variables" "$(sed -n '/^## Environment/,/^## /p' docs/operations.md | sed -nE 's/^\| `([A-Z_]+)` .*/\1/p')" \
    "$(section ENVIRONMENT <<<"$page" | sed -nE 's/^ +([A-Z_]{2,})( .*)?$/\1/p')"

# The program of EXAMPLES compiles and does what it says.
program=$(mktemp -d)
trap 'rm -rf "$program"' EXIT
section EXAMPLES <<<"$page" >"$program/example.c"
${CC:-cc} -std=c99 -Wall -Wextra -Werror -I"$prefix/include" "$program/example.c" -L"$prefix/lib" -lrota \
    -Wl,-rpath,"$prefix/lib" -o "$program/example"
"$program/example" || die "the program in librota(3) does not work"

say "rota(1) and librota(3) are true"
