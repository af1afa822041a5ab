#!/usr/bin/env bash
# Gets what a make target needs onto a bare Debian 12 or Ubuntu 24.04 that has git, make, a C compiler
# and Rust. Installs the missing packages by apt, as root or through sudo; where that cannot be done
# it names them, and fails only if something is missing that the target cannot do without.
# What is there is looked at every time (milliseconds); the slow questions are asked once.
#
#   scripts/setup.sh demo|test|bench|install|package|drivers|all
#   ROTA_SETUP=check      only looks and tells, installs nothing
set -euo pipefail
cd "$(dirname "$0")/.."

# need | package | how to see that it is there | required or wanted | what for
# Debian 12 and Ubuntu 24.04 have the same names. `need` lists the targets, separated by commas.
readonly table='
demo,test,bench,install,package,drivers | libc6-dev         | file:/usr/include/stdio.h /usr/include/*/stdio.h | required | headers of the C library
demo,test,bench,drivers | libvulkan1                | file:/usr/lib/*/libvulkan.so.1 /usr/lib/libvulkan.so.1 /usr/lib64/libvulkan.so.1 /usr/local/lib/libvulkan.so.1 | required | the Vulkan loader
demo,bench        | mesa-vulkan-drivers             | icd:*.json     | required | a Vulkan driver for any machine (lavapipe), and those of AMD and Intel GPUs
test,drivers      | mesa-vulkan-drivers             | icd:lvp_icd*   | required | the Vulkan driver that the tests use (lavapipe)
test,drivers      | vulkan-validationlayers         | file:/usr/share/vulkan/explicit_layer.d/*khronos_validation*.json /usr/local/share/vulkan/explicit_layer.d/*khronos_validation*.json | required | the Khronos validation layer
test,drivers      | spirv-tools                     | tool:spirv-val | required | checks the SPIR-V of the kernel
demo,test,bench,install,package | cmake                           | tool:cmake     | required | builds and installs the library for C programs
test,bench,package | pkg-config                      | tool:pkg-config | required | how C programs without CMake find the library
test              | clang-format                    | tool:clang-format | required | checks the format of the C sources
test              | abigail-tools                   | tool:abidiff   | required | compares the ABI of the library with the one that was blessed
test              | doxygen                         | tool:doxygen   | required | makes the reference of the C API, and finds what is wrong in the comments
test,drivers      | valgrind                        | tool:valgrind  | required | runs the C tests and looks for wrong memory use
install           | libvulkan1                      | file:/usr/lib/*/libvulkan.so.1 /usr/lib/libvulkan.so.1 /usr/lib64/libvulkan.so.1 /usr/local/lib/libvulkan.so.1 | wanted | the Vulkan loader, which programs that use Rota open
install           | mesa-vulkan-drivers             | icd:*.json     | wanted   | a Vulkan driver for any machine (lavapipe), and those of AMD and Intel GPUs
install           | pkg-config                      | tool:pkg-config | wanted  | tells compilers where Rota is
demo              | libvulkan-dev                   | file:/usr/include/vulkan/vulkan.h /usr/local/include/vulkan/vulkan.h | wanted | Vulkan headers, with which the demo compares itself with plain Vulkan
test,drivers      | clang                           | tool:clang     | wanted   | a second compiler for the C header
test,bench        | g++                             | tool:g++       | required | builds what uses the C++ binding
test              | groff-base                      | tool:groff     | required | reads the man pages, to check them
test,bench,package | binutils                        | tool:readelf   | required | looks at what the library needs
bench             | rocksdb-tools                   | tool:db_bench  | wanted   | RocksDB, with which the flight recorder is compared
package           | dpkg-dev                        | tool:dpkg-shlibdeps | wanted | makes the Debian packages
package           | file                            | tool:file      | wanted   | the same
package           | lintian                         | tool:lintian   | wanted   | checks the Debian packages
package           | fakeroot                        | tool:fakeroot  | wanted   | installs them into a folder, to check them
test              | wrk                             | tool:wrk       | wanted   | loads the Go service of the examples
test              | curl                            | tool:curl      | wanted   | asks the Go service of the examples
test              | shellcheck                      | tool:shellcheck | wanted  | checks the scripts
test              | chromium                        | tool:chromium chromium-browser google-chrome | wanted | looks at the page of rota report (Ubuntu has it as a snap only)
'

need=${1:-all}
case $need in demo | test | bench | install | package | drivers | all) ;; *)
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' scripts/setup.sh
    exit 2
    ;;
esac
stamp=target/setup/$need

say() { printf 'setup: %s\n' "$*" >&2; }

any_file() {
    local path
    for path in "$@"; do [ ! -e "$path" ] || return 0; done
    return 1
}

# A driver that the environment names counts as well.
any_icd() {
    [ -z "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ] || return 0
    # shellcheck disable=SC2086 # the pattern is meant to be expanded
    (cd / && any_file usr/share/vulkan/icd.d/$1 usr/local/share/vulkan/icd.d/$1 etc/vulkan/icd.d/$1)
}

any_tool() {
    local tool
    for tool in "$@"; do ! command -v "$tool" >/dev/null || return 0; done
    return 1
}

# shellcheck disable=SC2086 # what follows `file:` and `tool:` is a list
is_there() {
    case $1 in
    tool:*) any_tool ${1#tool:} ;;
    icd:*) any_icd "${1#icd:}" ;;
    file:*) any_file ${1#file:} ;;
    esac
}

# Sets `missing_required`, `missing_wanted` (packages) and `report` (package and purpose) from the table.
look() {
    missing_required=() missing_wanted=() report=''
    local needs package check level purpose
    while IFS='|' read -r needs package check level purpose; do
        needs=,${needs// /}, package=${package// /} level=${level// /}
        read -r check <<<"$check"
        [ "$package" ] || continue
        [ "$need" = all ] || [[ $needs == *,$need,* ]] || continue
        if is_there "$check"; then continue; fi
        if [ "$level" = required ]; then missing_required+=("$package"); else missing_wanted+=("$package"); fi
        printf -v report '%s  %-24s %s%s\n' "$report" "$package" "${purpose# }" \
            "$([ "$level" = required ] || echo ' (wanted, not required)')"
    done <<<"$table"
}

# What a package manager of the system does not bring, or not in a version that builds this.
look_at_tools() {
    local tool failed=0 wanted have
    for tool in make cc cargo; do
        command -v "$tool" >/dev/null && continue
        failed=1
        case $tool in
        cargo) say "Rust is missing: install it by https://rustup.rs (Debian's own is too old)" ;;
        cc) say "a C compiler is missing: apt-get install gcc libc6-dev" ;;
        *) say "$tool is missing: apt-get install $tool" ;;
        esac
    done
    [ "$failed" = 0 ] || exit 1
    if [ "$stamp" -nt scripts/setup.sh ] && [ "$stamp" -nt Cargo.toml ]; then return; fi

    wanted=$(sed -nE 's/^rust-version = "([0-9.]+)"/\1/p' Cargo.toml)
    have=$(rustc --version | awk '{ print $2 }')
    if [ "$(printf '%s\n' "$wanted" "$have" | sort -V | head -n1)" != "$wanted" ]; then
        say "Rust $have is too old, $wanted or later is needed: rustup update stable"
        exit 1
    fi
    [ "$need" = test ] || [ "$need" = all ] || return 0
    # With rustup the commands exist as proxies even where the component does not, so they are asked.
    for tool in rustfmt clippy; do
        case $tool in rustfmt) cargo fmt --version ;; clippy) cargo clippy --version ;; esac >/dev/null 2>&1 && continue
        say "adding $tool to the Rust toolchain"
        command -v rustup >/dev/null && rustup component add "$tool" && continue
        say "$tool is missing: rustup component add $tool (or Debian, Ubuntu: the package that brings cargo-${tool/rustfmt/fmt})"
        exit 1
    done
    if cc --version | grep -qi gcc && [ "$(cc -print-file-name=libasan.so)" = libasan.so ]; then
        say "this gcc has no AddressSanitizer: install libasan for it (Debian, Ubuntu: package libgcc-$(cc -dumpversion)-dev)"
        exit 1
    fi
}

# All at once, or, where the system lacks one of them, those that it has.
install_some() {
    local package failed=0
    "${as_root[@]}" install -y --no-install-recommends "$@" && return
    for package in "$@"; do "${as_root[@]}" install -y --no-install-recommends "$package" || failed=1; done
    return $failed
}

# Installs packages, or says in one line why it cannot.
install() {
    local as_root=()
    if [ "${ROTA_SETUP:-}" = check ]; then
        say "ROTA_SETUP=check: nothing is installed"
        return 1
    elif ! command -v apt-get >/dev/null; then
        say "there is no apt here; the names above are those of Debian and Ubuntu"
        return 1
    elif [ "$(id -u)" != 0 ]; then
        # Without a terminal nobody can type a password, and sudo must not wait for one.
        if ! command -v sudo >/dev/null || { ! [ -t 0 ] && ! sudo -n true 2>/dev/null; }; then
            say "this is not root, and sudo cannot be used here"
            return 1
        fi
        as_root=(sudo)
        [ -t 0 ] || as_root=(sudo -n)
    fi
    as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120)
    say "apt-get update && apt-get install $*"
    mkdir -p target/setup
    if ! { "${as_root[@]}" update && install_some "$@"; } >target/setup/apt.log 2>&1 </dev/null; then
        tail -n 15 target/setup/apt.log >&2
        say "apt-get failed (all of its output: target/setup/apt.log)"
        return 1
    fi
}

look_at_tools
look
if [ "$report" ]; then
    say "missing for \`make $need\`:"
    printf '%s' "$report" >&2
    install "${missing_required[@]}" "${missing_wanted[@]}" || true
    look
    if [ ${#missing_required[@]} -gt 0 ]; then
        say "still missing, and required: ${missing_required[*]}"
        missing_required+=("${missing_wanted[@]}")
        say "as root, on Debian or Ubuntu: apt-get install ${missing_required[*]}"
        exit 1
    fi
    [ ${#missing_wanted[@]} = 0 ] || say "going on without: ${missing_wanted[*]}"
    [ ${#missing_wanted[@]} != 0 ] || say "everything for \`make $need\` is there"
fi
if ! [ "$stamp" -nt scripts/setup.sh ] || ! [ "$stamp" -nt Cargo.toml ]; then
    mkdir -p "${stamp%/*}"
    touch "$stamp"
fi
