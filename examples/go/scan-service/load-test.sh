#!/usr/bin/env bash
# Load on the service: 200 connections with 20 API keys, for DURATION seconds (60). Every answer has to
# be right, and afterwards goroutines and memory have to be back to where they were. Then clients that send
# a text now and then, without and with an API key beside them that sends without a pause and far more than
# its quota: they may not see an error, and what it does to their p99 is printed.
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
abuser=
cleanup() {
    [ -z "$abuser" ] || kill "$abuser" 2>/dev/null || true
    [ -z "$service" ] || kill "$service" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

go build -o "$work/scan-service" .
"$work/scan-service" -listen 127.0.0.1:0 -admin 127.0.0.1:0 -idle 1s -keys keys.json 2>"$work/log" &
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
polite() { PAUSE=20 wrk -t 1 -c "$KEYS" -d "$1s" --timeout 10s -s load.lua "http://$address/scan"; }
abuse() { KEY=abuser wrk -t 1 -c 50 -d "$1s" --timeout 10s -s load.lua "http://$address/scan"; }
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

figure() { sed -n "s/^$1 //p" "$work/$2"; }
polite "$duration" >"$work/alone"
abuse "$((duration + 2))" >"$work/abuser" &
abuser=$!
sleep 1
polite "$duration" >"$work/beside"
wait "$abuser" || true # what it prints says enough
abuser=
p99_alone=$(figure p99_us alone)
p99_beside=$(figure p99_us beside)
echo "p99 of $KEYS keys that pause: alone $p99_alone us, beside the abuser $p99_beside us:" \
    "$(awk "BEGIN { printf \"%.2f\", $p99_beside / $p99_alone }") times (aim: at most 4)"
echo "the abuser: $(figure answers abuser) answers, $(figure refusals abuser) of them refusals"

failed=0
for part in wrk alone beside abuser; do
    if [ "$(figure errors "$part")" != 0 ] || [ "$(figure answers "$part")" = 0 ]; then
        echo "load-test.sh: $part: $(cat "$work/$part")" >&2
        failed=1
    fi
done
[ "$(figure refusals abuser)" -gt 0 ] || failed=1
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
