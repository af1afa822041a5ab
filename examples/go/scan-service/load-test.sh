#!/usr/bin/env bash
# Load on the service: 200 connections with 20 API keys, for DURATION seconds (60). Every answer has to
# be right, and afterwards goroutines and memory have to be back to where they were.
set -euo pipefail
cd "$(dirname "$0")"
duration=${DURATION:-60}
connections=${CONNECTIONS:-200}
export KEYS=${KEYS:-20}
for tool in wrk curl; do
    if ! command -v "$tool" >/dev/null; then
        echo "load-test.sh: $tool is not installed: apt install $tool" >&2
        exit 1
    fi
done
work=$(mktemp -d)
service=
cleanup() {
    [ -z "$service" ] || kill "$service" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

go build -o "$work/scan-service" .
"$work/scan-service" -listen 127.0.0.1:0 -admin 127.0.0.1:0 -idle 1s 2>"$work/log" &
service=$!
for _ in $(seq 200); do
    grep -q listening "$work/log" && break
    sleep 0.1
done
address=$(sed -n 's/.*msg=listening address=\([^ ]*\).*/\1/p' "$work/log")
admin=$(sed -n 's/.*msg=listening.* admin=\([^ ]*\).*/\1/p' "$work/log")
[ -n "$address" ] || {
    echo "load-test.sh: the service does not listen: $(cat "$work/log")" >&2
    exit 1
}

# One field of what is in use after a collection.
used() { curl -sf -X POST "http://$admin/debug/gc" | sed "s/.*\"$1\":\([0-9]*\).*/\1/"; }
load() { wrk -t 1 -c "$connections" -d "$1s" --timeout 10s -s load.lua "http://$address/scan"; }
idle() { # until connections and tenants are gone
    for _ in $(seq 100); do
        [ "$(used tenants)" = 0 ] && [ "$(used goroutines)" -le "${goroutines:-1000}" ] && break
        sleep 0.1
    done
}

load 1 >"$work/warm" # what stays from here on is a leak
idle
goroutines=$(used goroutines)
heap=$(used heap_bytes)
load "$duration" | tee "$work/wrk"
idle
goroutines_after=$(used goroutines)
heap_after=$(used heap_bytes)
echo "goroutines $goroutines, afterwards $goroutines_after; heap $heap, afterwards $heap_after bytes"

failed=0
grep -qx 'errors 0' "$work/wrk" || failed=1
[ "$(sed -n 's/^answers //p' "$work/wrk")" -gt 0 ] || failed=1
[ "$goroutines_after" -le "$((goroutines + 2))" ] || failed=1
[ "$heap_after" -le "$((heap * 3 / 2 + 4194304))" ] || failed=1
kill -TERM "$service"
wait "$service" || failed=1
service=
grep -q 'msg=ended' "$work/log" || failed=1
! grep -q 'level=ERROR' "$work/log" || failed=1
if [ "$failed" = 1 ]; then
    echo "load-test.sh: failed; the service's log:" >&2
    tail -20 "$work/log" >&2
    exit 1
fi
echo "no errors, nothing left behind"
