#!/usr/bin/env bash
# Every check of the Go binding and its examples. Finds the library through pkg-config, and the
# shared one at run time through LD_LIBRARY_PATH, which it sets itself.
set -euo pipefail
cd "$(dirname "$0")"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir rota)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH GOFLAGS=-mod=mod
binding=$PWD
examples=$binding/../../examples/go
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { printf '%s\n' "go: $*"; }
fail() {
    printf '%s\n' "go: $*" >&2
    exit 1
}

say "format"
files=$(gofmt -l . "$examples")
[ -z "$files" ] || fail "not formatted by gofmt: $files"

say "vet and tests"
go vet ./...
go test -count=1 ./...
go build -o "$work/bench" ./bench
"$work/bench" -blocks 1 -seconds 0.2 >"$work/bench.json"
grep -q '"go.publish_ns"' "$work/bench.json" || fail "the benchmark printed no figures"

# A module of its own, whose dependencies have to come from somewhere.
if (cd rotaprom && go mod download) >"$work/log" 2>&1; then
    say "the collector for Prometheus"
    (cd rotaprom && go vet ./... && go test -race -count=1 ./...)
else
    say "the Prometheus client library can't be had: the collector is NOT tested: $(cat "$work/log")"
fi

say "race detector"
go test -race -count=1 .

say "checks of pointers that are passed, of those that are stored, and the garbage collector without a break"
GODEBUG=cgocheck=1 GOGC=1 go test -count=1 .
GOEXPERIMENT=cgocheck2 go test -count=1 .

say "examples"
for example in "$examples"/*/; do
    (cd "$example" && go vet ./... && go test -count=1 ./...)
done
DURATION=${DURATION:-5} "$examples/scan-service/load-test.sh"

# A program of somebody else's, with the binding vendored.
consumer() {
    mkdir -p "$work/consumer"
    cp "$examples/hello/main.go" "$work/consumer/"
    (
        cd "$work/consumer"
        rm -rf vendor go.mod go.sum
        go mod init example.org/consumer
        go mod edit -require=github.com/rota-compute/rota/bindings/go@v0.0.0 \
            -replace="github.com/rota-compute/rota/bindings/go=$1"
        go mod vendor
    ) >"$work/log" 2>&1 || fail "vendoring: $(cat "$work/log")"
}

# Runs a program without the folder of the shared library, and looks that it doesn't want it.
stands_alone() {
    # Not through pipes: grep would close them early, and a program that still writes then would seem to fail.
    ! grep -q librota <<<"$(ldd "$1")" || fail "$1 wants librota.so"
    grep -q '20 + 22' <<<"$(env -u LD_LIBRARY_PATH "$1")" || fail "$1 said something else"
}

say "a consumer with a vendor folder"
consumer "$binding"
(cd "$work/consumer" && go build -mod=vendor -o "$work/shared" .)
grep -q 'librota.so.0' <<<"$(ldd "$work/shared")" || fail "the program does not link librota.so.0"
grep -q '20 + 22' <<<"$("$work/shared")" || fail "the consumer said something else"
! grep -q prometheus "$work/consumer/vendor/modules.txt" || fail "the consumer gets the Prometheus client library"

say "the archive of the installation"
(cd "$work/consumer" && go build -mod=vendor -tags rota_static -o "$work/static" .)
stands_alone "$work/static"
go test -count=1 -tags rota_static .

say "the archive beside the package"
mkdir "$work/binding"
cp -r ./*.go ./*.h ./*.c go.mod bundle.sh lib "$work/binding/"
"$work/binding/bundle.sh"
consumer "$work/binding"
(cd "$work/consumer" && PKG_CONFIG_PATH=/nonexistent PKG_CONFIG_LIBDIR=/nonexistent \
    go build -mod=vendor -tags rota_bundled -o "$work/bundled" .)
stands_alone "$work/bundled"

say "without cgo"
if CGO_ENABLED=0 go build . 2>"$work/log"; then
    fail "it builds without cgo"
fi
grep -q rota_needs_cgo__set_CGO_ENABLED_1_and_install_a_C_compiler "$work/log" ||
    fail "without cgo it says: $(cat "$work/log")"
[ "$(grep -c 'undefined:' "$work/log")" = 1 ] || fail "without cgo it says too much: $(cat "$work/log")"

say "all checks passed"
