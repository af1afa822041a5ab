#!/usr/bin/env bash
# What the scripts of this folder share; they read it with `.` from the root of the repository.

# Called from a makefile or not, cargo and CMake's make are to behave the same: no job server of somebody
# else's, no lines about entering directories.
unset MAKEFLAGS MFLAGS MAKELEVEL

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }

die() {
    say "$*"
    exit 1
}

# The version has one home, Cargo.toml.
rota_version() { sed -nE '0,/^version = /s/^version = "([0-9.]+).*"/\1/p' Cargo.toml; }

# Runs a command and shows its output only if it fails.
quietly() {
    local log
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        die "failed: $*"
    fi
    rm -f "$log"
}

# Builds a release and installs it. cargo says what it compiles.
cmake_install() {
    cmake -S . -B target/cmake -DCMAKE_BUILD_TYPE=Release >/dev/null &&
        cmake --build target/cmake &&
        cmake --install target/cmake --prefix "$1"
}

# Tests run on lavapipe, wherever they run, unless the environment names another driver.
use_lavapipe() {
    [ -z "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ] || return 0
    local icd
    icd=$(find /usr/share/vulkan/icd.d /usr/local/share/vulkan/icd.d /etc/vulkan/icd.d -name 'lvp_icd*.json' \
        -print -quit 2>/dev/null || true)
    [ -n "$icd" ] || die "lavapipe is not installed (Debian, Ubuntu: package mesa-vulkan-drivers)"
    export VK_DRIVER_FILES=$icd VK_ICD_FILENAMES=$icd
}

# How Chromium, or a browser made of it, is called here.
chromium_here() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

# Where Prometheus is here: installed, or fetched by scripts/test-metrics.sh.
prometheus_here() { PATH=$PATH:$PWD/target/prometheus/usr/bin command -v prometheus; }

# The Go version that the binding asks for.
go_wanted() { awk '$1 == "go" { print $2 }' bindings/go/go.mod; }

# Whether there is such a Go, or an older one that gets it by itself.
has_go() { (cd bindings/go && go version) >/dev/null 2>&1; }
