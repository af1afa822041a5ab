#!/usr/bin/env bash
# Looks at the page of `rota report` in headless Chromium: that it shows what it should, light and dark, with its script
# and without.
#   scripts/test-report.sh PREFIX [FOLDER]    where Rota is installed; where the pages and pictures stay
set -euo pipefail
prefix=$(cd "${1:?where is Rota installed?}" && pwd)
cd "$(dirname "$0")/.."
# shellcheck source=scripts/common.sh
. scripts/common.sh
use_lavapipe
chromium=$(chromium_here) || die "Chromium is not installed (Debian: package chromium)"

work=$(mktemp -d "${TMPDIR:-/tmp}/rota-report.XXXXXX")
trap 'rm -rf "$work"' EXIT
export ROTA_CACHE_DIR=$work/cache
folder=${2:-$work}
mkdir -p "$folder"

# OPTIONS… PAGE: Chromium with a profile of its own, and no network. What it says of itself is of interest only if it fails.
browse() {
    HOME=$work timeout -k 10 300 "$chromium" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
        --disable-background-networking --no-first-run --host-resolver-rules='MAP * ~NOTFOUND' \
        --user-data-dir="$work/profile" --hide-scrollbars --force-device-scale-factor=1 --window-size=1280,1600 \
        "${@:1:$#-1}" "file://${!#}" 2>"$work/said" || {
        cat "$work/said" >&2
        die "Chromium failed with ${!#}"
    }
}

# What a page is when its scripts have run.
dom() { browse --virtual-time-budget=5000 --dump-dom "$1"; }

# PAGE SCRIPT: the page with a script more.
with_script() {
    sed '/^<\/body>/d; /^<\/html>/d' "$1"
    printf '<script>\n%s\n</script>\n</body>\n</html>\n' "$2"
}

# WHAT TEXT DOCUMENT: the text is in it.
has() { grep -qF -- "$2" <<<"$3" || die "$1: '$2' is not there"; }

# PICTURE: how many colours it has, the part of the commonest in percent, and that colour. Chromium can read pictures.
colours() {
    cat >"$work/colours.html" <<END
<p id="found"></p>
<script>
const picture = new Image();
picture.onload = () => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [picture.width, picture.height];
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
  const count = new Map();
  for (const pixel of pixels) count.set(pixel, (count.get(pixel) ?? 0) + 1);
  const [pixel, most] = [...count].sort((a, b) => b[1] - a[1])[0];
  const hex = [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255].map((n) => n.toString(16).padStart(2, "0"));
  document.getElementById("found").textContent =
    \`\${count.size} \${Math.round((100 * most) / pixels.length)} #\${hex.join("")}\`;
};
picture.src = "data:image/png;base64,$(base64 -w0 "$1")";
</script>
END
    dom "$work/colours.html" | sed -nE 's/.*id="found">([^<]*)<.*/\1/p'
}

say "a log of three tenants, and its page"
"${CC:-cc}" -std=c99 -Wall -Wextra -Werror -I"$prefix/include" tests/report/record.c -L"$prefix/lib" -lrota \
    -Wl,-rpath,"$prefix/lib" -o "$work/record"
jobs=$("$work/record" "$folder/run.log")
page=$folder/report.html
"$prefix/bin/rota" report "$folder/run.log" -o "$page" >/dev/null

say "$("$chromium" --version 2>/dev/null): what is on the page"
document=$(dom "$page")
has "the page" "<dt>jobs</dt><dd>$(sed -E ':a; s/^([0-9]+)([0-9]{3})/\1,\2/; ta' <<<"$jobs")</dd>" "$document"
lanes=$(grep -cE '<div class="row lane ' <<<"$document")
[ "$lanes" = 3 ] || die "there are $lanes lanes for 3 tenants"
for part in '<bdi>search</bdi>' '<bdi>images</bdi>' '&lt;/script&gt;&lt;b&gt;"&amp;' 'class="c0 begin"' 'class="fault dot"' \
    'class="p99 stroke"' 'class="c2 area"' OUT_OF_BOUNDS '<html lang="en" class="script">'; do
    has "the page" "$part" "$document"
done

say "a closer look, by the mouse"
# shellcheck disable=SC2016 # it is the script's
with_script "$page" '
const plot = document.querySelectorAll(".lane .plot")[1];
const box = plot.getBoundingClientRect();
plot.setPointerCapture = () => {};
const mouse = (what, part) => plot.dispatchEvent(new PointerEvent(what, { bubbles: true, button: 0,
  pointerType: "mouse", clientX: box.left + box.width * part, clientY: box.top + 5 }));
mouse("pointerdown", 0.25);
mouse("pointermove", 0.5);
mouse("pointerup", 0.75);
mouse("pointermove", 0.5);
' >"$folder/closer.html"
closer=$(dom "$folder/closer.html")
has "after dragging" 'viewBox="250 0 500 ' "$closer"
if grep -q 'viewBox="0 0 1000 ' <<<"$closer"; then die "a chart does not look closer"; fi
has "under the mouse" 'jobs submitted in' "$closer"

# The dark one is of the page without its script.
sed '/^<script>$/,/^<\/script>$/d' "$page" >"$folder/no-script.html"
if grep -q '^"use strict"' "$folder/no-script.html"; then die "the page still has its script"; fi
for scheme in light dark; do
    say "a picture, $scheme"
    picture=$folder/$scheme.png
    rm -f "$picture"
    case $scheme in light) shown=$page number=1 ;; dark) shown=$folder/no-script.html number=0 ;; esac
    browse --blink-settings="preferredColorScheme=$number" --screenshot="$picture" "$shown"
    [ -s "$picture" ] || die "there is no picture: $(cat "$work/said")"
    read -r count most paper <<<"$(colours "$picture")"
    say "$count colours, $most % of it $paper"
    if [ "$count" -lt 100 ] || [ "$most" -gt 90 ]; then die "the picture is blank: $picture"; fi
    case $scheme in light) card='#ffffff' ;; dark) card='#1c1f24' ;; esac
    [ "$paper" = "$card" ] || die "the page is not $scheme: most of it is $paper, not $card"
done
say "the page is as it should be"
