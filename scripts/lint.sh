#!/usr/bin/env bash
# Checks the format of Rust, C and C++, and takes clippy's and shellcheck's warnings as errors.
# With --fix it formats instead.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh
scripts/setup.sh test

# The header rota.h is cbindgen's; a test compares it with what cbindgen writes.
mapfile -t c_files < <(find bindings examples include tests -type d -name target -prune -o \
    -type f \( -name '*.c' -o -name '*.h' -o -name '*.cpp' -o -name '*.hpp' \) ! -path include/rota/rota.h -print \
    2>/dev/null | sort)

if [ "${1:-}" = --fix ]; then
    cargo fmt --all
    cargo fmt --all --manifest-path bench/Cargo.toml
    if command -v gofmt >/dev/null; then gofmt -w bindings/go examples/go tests/consumers/go; fi
    clang-format -i "${c_files[@]}"
    exit
fi

say "rustfmt"
cargo fmt --all --check
cargo fmt --all --check --manifest-path bench/Cargo.toml
say "clang-format, ${#c_files[@]} files"
clang-format --dry-run -Werror "${c_files[@]}"
if command -v shellcheck >/dev/null; then
    say "shellcheck"
    shellcheck -x scripts/*.sh tests/drivers/*.sh bindings/*/*.sh examples/go/*/*.sh .ci/run
else
    say "shellcheck is not installed: the scripts are not checked"
fi
say "doxygen"
quietly scripts/docs.sh
say "clippy"
cargo clippy --workspace --all-targets -- -D warnings
