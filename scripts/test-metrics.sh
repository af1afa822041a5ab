#!/usr/bin/env bash
# The metrics as Prometheus sees them: promtool checks the text, and a server scrapes the Go service of the examples,
# is asked for what there is per tenant, and for everything that docs/grafana.json asks for. Finds the
# library as bindings/go/test.sh does. Debian's prometheus is fetched into target/prometheus if there is none:
# installed, it would start a server on this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh
LD_LIBRARY_PATH=$(pkg-config --variable=libdir rota)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH GOFLAGS=-mod=mod

fetch() {
    mkdir -p target/prometheus
    (cd target/prometheus && apt-get -q download prometheus && dpkg-deb -x prometheus_*.deb . && rm prometheus_*.deb)
}
if ! prometheus_here >/dev/null && ! { fetch >target/prometheus.log 2>&1 && prometheus_here >/dev/null; }; then
    say "there is no prometheus here, and apt-get has none: what it makes of the metrics is NOT tested"
    exit 0
fi
folder=$(dirname "$(prometheus_here)")
PATH=$PATH:$folder
command -v curl >/dev/null || die "curl is not installed: apt install curl"

work=$(mktemp -d)
service=
server=
cleanup() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$service" ] || kill "$service" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap cleanup EXIT

# Waits until a command succeeds.
until_it() {
    for _ in $(seq 300); do
        if "$@" >"$work/last" 2>&1; then return; fi
        sleep 0.2
    done
    cat "$work"/*.log "$work/last" >&2
    die "this did not come: $*"
}

(cd examples/go/scan-service && go build -o "$work/scan-service" .)
"$work/scan-service" -listen 127.0.0.1:0 -admin 127.0.0.1:0 2>"$work/service.log" &
service=$!
until_it grep -q listening "$work/service.log"
address=$(sed -n 's/.*msg=listening address=\([^ ]*\).*/\1/p' "$work/service.log")
admin=$(sed -n 's/.*msg=listening.* admin=\([^ ]*\).*/\1/p' "$work/service.log")
work_for() { curl -sf -H "X-API-Key: $1" --data-binary 'a secret' "http://$address/scan" >/dev/null; }
for _ in 1 2 3; do work_for one && work_for 'two "2"'; done

say "promtool check metrics"
curl -sf "http://$admin/metrics" >"$work/text"
curl -sf -H 'Accept: application/openmetrics-text' "http://$admin/metrics" >"$work/open"
promtool check metrics <"$work/text" >"$work/last" 2>&1 || die "$(cat "$work/last")"
[ ! -s "$work/last" ] || die "$(cat "$work/last")"
for format in text open; do
    twice=$(sed '/^#/d; s/ [^ ]*$//' "$work/$format" | sort | uniq -d)
    [ -z "$twice" ] || die "series that are there twice: $twice"
    grep -q '^rota_tenant_jobs_completed_total{tenant="two \\"2\\""} [1-9]' "$work/$format" || die "no jobs of two: $(cat "$work/$format")"
done

say "a server that scrapes it"
cat >"$work/prometheus.yml" <<END
global: {scrape_interval: 1s}
scrape_configs: [{job_name: rota, static_configs: [{targets: ["$admin"]}]}]
END
promtool check config "$work/prometheus.yml" >"$work/last" || die "$(cat "$work/last")"
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --web.listen-address=127.0.0.1:0 \
    2>"$work/prometheus.log" &
server=$!
until_it grep -q 'msg="Listening on"' "$work/prometheus.log"
url=http://$(sed -n 's/.*msg="Listening on".* address=\([^ ]*\).*/\1/p' "$work/prometheus.log")
ask() { promtool query instant "$url" "$1"; }
# Whether an expression's answer has such a line.
answers() { ask "$1" | grep -Eq "$2"; }
until_it answers 'rota_tenant_jobs_completed_total' 'tenant="one".* => [1-9]'
until_it answers 'sum by (tenant) (rota_tenant_jobs_completed_total)' '^\{tenant="two \\"2\\""\} => [1-9]'
busy() {
    work_for one
    answers "$1" "$2"
}
until_it busy 'sum(rate(rota_jobs_completed_total[10s]))' '=> (0\.0*)?[1-9]'
until_it busy 'histogram_quantile(0.99, sum by (le) (rate(rota_latency_seconds_bucket[10s])))' '=> [0-9.e-]+ @'
answers 'up' 'job="rota".* => 1 @' || die "it has not scraped it: $(ask up)"

say "the expressions of the dashboard"
# shellcheck disable=SC2016 # those are the dashboard's variables
written() {
    sed -nE 's/^ *"expr": "(.*)",$/\1/p' docs/grafana.json |
        sed -E 's/\\"/"/g; s/\$__rate_interval/10s/g; s/\$[a-z]+/.*/g'
}
expressions=0
while IFS= read -r expression; do
    ask "$expression" >"$work/last" 2>&1 || die "$expression: $(cat "$work/last")"
    expressions=$((expressions + 1))
done < <(written)
[ "$expressions" -gt 20 ] || die "only $expressions expressions were found"
answers 'sum by (tenant) (rate(rota_tenant_fuel_total[1m])) / scalar(sum(rate(rota_fuel_total[1m])))' 'tenant="one".* => [01]' ||
    die "no share of fuel"

kill -TERM "$service"
wait "$service" || die "the service did not end well: $(cat "$work/service.log")"
service=
say "promtool and prometheus take them"
