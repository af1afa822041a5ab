#!/usr/bin/env bash
# The Vulkan drivers that `make test-drivers` runs against:
#   lavapipe            the installed Mesa (Debian 12: 22.3.6, which has a loop limit)
#   lavapipe-backports  Mesa from the release's backports (Debian 12: 25.0.7)
#   swiftshader         SwiftShader, which Debian ships inside chromium-common
# Packages are downloaded and unpacked under target/drivers; nothing is installed, the machine's apt
# sources and lists stay as they are, and the mirror is the one that apt is already configured with.
#
#   scripts/drivers.sh list           names, one per line
#   scripts/drivers.sh fetch [NAME…]  gets what is missing; fails for a driver that cannot be had
#   scripts/drivers.sh env NAME       shell lines to eval: VK_DRIVER_FILES, VK_ICD_FILENAMES, LD_LIBRARY_PATH
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C # what apt and ldd say is read

readonly names=(lavapipe lavapipe-backports swiftshader)
root=$PWD/target/drivers
apt_root=$root/apt

say() { printf 'drivers: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

# A value of /etc/os-release; VERSION_CODENAME is what the mirror calls this release (bookworm, noble).
# shellcheck source=/dev/null
os_release() (. /etc/os-release && printf '%s' "${!1:-}")

# apt with its own sources, lists and cache; it needs no root and takes no lock of the machine's apt.
apt_own() {
    local command=$1
    shift
    "$command" -q \
        -o Dir::Etc::SourceList="$apt_root/sources.list" -o Dir::Etc::SourceParts=- \
        -o Dir::State::Lists="$apt_root/lists" -o Dir::Cache="$apt_root/cache" \
        -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=true -o Acquire::Languages=none \
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@"
}

# Writes the configured sources of this release, and its backports beside them, and fetches the lists.
# A suite that the mirror lacks is noticed by the driver that needs it. Lists older than an hour may
# name files that the mirror has replaced.
apt_prepare() {
    if [ -n "$(find "$apt_root/updated" -mmin -60 2>/dev/null)" ]; then return; fi
    local tool release keyring=/usr/share/keyrings/debian-archive-keyring.gpg signed='' sources main
    for tool in apt-get apt-cache dpkg dpkg-deb; do
        command -v "$tool" >/dev/null || die "$tool is not here; the drivers come as Debian packages"
    done
    release=$(os_release VERSION_CODENAME)
    [ -n "$release" ] || die "/etc/os-release names no VERSION_CODENAME"
    # `indextargets` reads both formats of sources, also before any list was fetched.
    # shellcheck disable=SC2016 # apt expands these
    sources=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        awk -v r="$release" '$2 == r || index($2, r "-") == 1' | sort -u)
    main=$(awk -v r="$release" '$2 == r && $3 == "main" { print $1; exit }' <<<"$sources")
    [ -n "$main" ] || die "apt has no source for $release main"
    if [ -r "$keyring" ] && [ "$(os_release ID)" = debian ]; then signed="[signed-by=$keyring]"; fi
    mkdir -p "$apt_root/lists/partial" "$apt_root/cache/archives/partial"
    printf '%s\n' "$sources" "$main $release-backports main" | sort -u |
        sed "s|^|deb $signed |" >"$apt_root/sources.list"
    say "fetching package lists of $release and its backports from $main"
    if apt_own apt-get update -o APT::Update::Error-Mode=any >"$apt_root/update.log" 2>&1; then
        touch "$apt_root/updated"
    else
        say "apt-get update had errors: $(grep -m3 '^[EW]:' "$apt_root/update.log" || true)"
    fi
}

# Downloads packages (name or name=version) and unpacks them into a folder.
unpack() {
    local into=$1 work
    shift
    work=$(mktemp -d "$apt_root/deb.XXXXXX")
    (cd "$work" && apt_own apt-get download "$@" >&2) || die "could not download: $*"
    mkdir -p "$into"
    local deb
    for deb in "$work"/*.deb; do dpkg-deb -x "$deb" "$into"; done
    rm -rf "$work"
}

# The ICD file of an unpacked driver, written again with the full path of its library.
write_icd() {
    local library=$1 icd=$2 out=$3
    if ! [ -f "$library" ] || ! [ -f "$icd" ]; then die "the package lacks the driver's library or its ICD file"; fi
    sed -E "s|(\"library_path\"[[:space:]]*:[[:space:]]*\")[^\"]*\"|\1$library\"|" "$icd" >"$out"
    grep -qF "\"$library\"" "$out" || die "$icd names no library_path"
}

one_file() { find "$1" -name "$2" \( -type f -o -type l \) -print -quit; }

# Every shared library that the driver needs must be found, or the loader would skip it in silence.
check_libraries() {
    local missing
    missing=$(LD_LIBRARY_PATH=$2 ldd -r "$1" 2>&1 | grep -E 'not found|undefined symbol|version .* required' || true)
    [ -z "$missing" ] || die "$1 does not load: $missing"
}

fetch_lavapipe() {
    local icd
    icd=$(find /usr/share/vulkan/icd.d /etc/vulkan/icd.d -name 'lvp_icd*.json' -print -quit 2>/dev/null || true)
    [ -n "$icd" ] || die "lavapipe is not installed (Debian, Ubuntu: package mesa-vulkan-drivers)"
    mkdir -p "$1"
    cp "$icd" "$1/icd.json"
    dpkg-query -W -f '${Package} ${Version}\n' mesa-vulkan-drivers >"$1/version" 2>/dev/null ||
        echo "installed Mesa" >"$1/version"
}

fetch_lavapipe-backports() {
    local into=$1 suite version needed wanted libraries
    suite=$(os_release VERSION_CODENAME)-backports
    apt_prepare
    version=$(apt_own apt-cache madison mesa-vulkan-drivers | awk -v s="$suite/main" '$6 == s { print $3; exit }')
    [ -n "$version" ] || die "the mirror's $suite has no mesa-vulkan-drivers"
    # What an installation would bring, cut down to what the driver itself depends on. The C and C++
    # run-time libraries stay the machine's: they are shared with the process that loads the driver.
    needed=$(apt_own apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
        --no-replaces --no-enhances "mesa-vulkan-drivers=$version" | grep -E '^[a-z0-9]' | sort -u)
    wanted=$(apt_own apt-get -s install --no-install-recommends -t "$suite" "mesa-vulkan-drivers=$version" |
        sed -nE 's/^Inst ([^ ]+)( \[[^]]*\])? \(([^ ]+) .*/\1 \3/p' |
        awk 'NR == FNR { need[$1]; next } $1 in need { print $1 "=" $2 }' <(echo "$needed") - |
        grep -vE '^(libc6|libc-bin|libgcc-s1|libstdc\+\+6|gcc-[0-9]+-base|python3[^=]*|libvulkan1)=' || true)
    grep -q '^mesa-vulkan-drivers=' <<<"$wanted" || wanted="mesa-vulkan-drivers=$version"$'\n'$wanted
    # shellcheck disable=SC2086 # one word per package
    unpack "$into/files" $wanted
    libraries=$(find "$into/files" -name '*.so*' -printf '%h\n' | sort -u | paste -sd:)
    echo "$libraries" >"$into/libraries"
    local library
    library=$(one_file "$into/files" libvulkan_lvp.so)
    check_libraries "$library" "$libraries"
    write_icd "$library" "$(one_file "$into/files" 'lvp_icd*.json')" "$into/icd.json"
    echo "mesa-vulkan-drivers $version" >"$into/version"
}

fetch_swiftshader() {
    local into=$1 version library
    apt_prepare
    version=$(apt_own apt-cache policy chromium-common | awk '$1 == "Candidate:" { print $2 }')
    [ "${version:-(none)}" != "(none)" ] ||
        die "the mirror has no package chromium-common (Ubuntu has it as a snap only)"
    unpack "$into/files" "chromium-common=$version"
    # The package is a whole browser's; two files of it are the driver.
    library=$into/libvk_swiftshader.so
    mv "$(one_file "$into/files" libvk_swiftshader.so)" "$library"
    check_libraries "$library" ''
    write_icd "$library" "$(one_file "$into/files" vk_swiftshader_icd.json)" "$into/icd.json"
    rm -rf "$into/files"
    echo "chromium-common $version" >"$into/version"
}

known() {
    local name
    for name in "${names[@]}"; do [ "$name" != "$1" ] || return 0; done
    die "no driver is called '$1'; there are: ${names[*]}"
}

# Fetches one driver into its place; half-fetched drivers are never left there.
fetch_one() (
    local name=$1 dir=$root/$1
    # The ICD file holds full paths, so a moved checkout fetches again; the installed one may change.
    if [ "$name" != lavapipe ] && [ -s "$dir/version" ] && grep -qF "\"$dir/" "$dir/icd.json"; then exit 0; fi
    mkdir -p "$root"
    rm -rf "$dir"
    trap 'rm -rf "$dir"' EXIT
    "fetch_$name" "$dir"
    trap - EXIT
    say "$name is there: $(cat "$dir/version")"
)

fetch() {
    local name failed=0
    [ $# -gt 0 ] || set -- "${names[@]}"
    for name in "$@"; do known "$name"; done
    for name in "$@"; do
        # A process of its own keeps `set -e` at work inside, which a condition would switch off.
        scripts/drivers.sh fetch-one "$name" || failed=1
    done
    [ "$failed" = 0 ] || die "at least one driver could not be had"
}

print_env() {
    local dir=$root/$1 libraries
    known "$1"
    [ -s "$dir/version" ] || die "$1 is not there; run: scripts/drivers.sh fetch $1"
    printf 'export VK_DRIVER_FILES=%q VK_ICD_FILENAMES=%q\n' "$dir/icd.json" "$dir/icd.json"
    if [ -s "$dir/libraries" ]; then
        libraries=$(cat "$dir/libraries")
        # shellcheck disable=SC2016 # the caller's shell expands it
        printf 'export LD_LIBRARY_PATH=%q${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\n' "$libraries"
    fi
}

case "${1:-}" in
list) printf '%s\n' "${names[@]}" ;;
fetch) shift && fetch "$@" ;;
fetch-one) fetch_one "$2" ;;
env) print_env "${2:?a driver\'s name}" ;;
*) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' scripts/drivers.sh && exit 2 ;;
esac
