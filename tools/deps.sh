#!/bin/sh
# Installs the Debian packages that are missing for the given purposes: tools/deps.sh build run test
# A program that is already on the PATH (node, aws ...) stands for its package.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

on_path() {
    case "$1" in
    nodejs) command -v node ;;
    npm) command -v npm ;;
    awscli) command -v aws ;;
    ninja-build) command -v ninja ;;
    pkg-config) command -v pkg-config ;;
    gcc | meson | git | jq | zip | unzip | clang | python3 | strace | curl | openssl | chromium)
        command -v "$1"
        ;;
    *) return 1 ;;
    esac >/dev/null 2>&1
}

missing=""
for purpose in "$@"; do
    for package in $(sed -n "s/^$purpose //p" "$here/packages.txt"); do
        on_path "$package" && continue
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' &&
            continue
        missing="$missing $package"
    done
done
[ -n "$missing" ] || exit 0

echo "Missing Debian packages:$missing"
sudo=""
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "tools/deps.sh: not root and no sudo; run as root: apt-get install$missing" >&2
        exit 1
    }
    sudo=sudo
fi
export DEBIAN_FRONTEND=noninteractive
install() {
    $sudo apt-get install -y --no-install-recommends $missing
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "Installing them ..."
# The package lists may be absent or old: fetch them once when the first try fails.
if ! install >"$log" 2>&1; then
    $sudo apt-get update >>"$log" 2>&1 || true
    install >>"$log" 2>&1 || {
        tail -20 "$log" >&2
        echo "tools/deps.sh: could not install:$missing" >&2
        exit 1
    }
fi
echo "Installed."
