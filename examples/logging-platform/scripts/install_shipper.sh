#!/bin/bash
# Step 6: installs the log shipper's release from scratch.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh
need SHIPPER_VERSION

version=$SHIPPER_VERSION
bin=${INSTALL_DIR:-/usr/local/bin}
home=${SHIPPER_INSTALL_DIR:-/opt/log-shipper}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fetch_release "https://downloads.example.org/log-shipper/$version" \
    "log-shipper-$version.tar.gz" SHA256SUMS "$work"
rm -rf "$home"
mkdir -p "$home" "$bin"
tar -xzf "$work/log-shipper-$version.tar.gz" -C "$home" --strip-components=1 --no-same-owner
ln -sfn "$home/log-shipper" "$bin/log-shipper"

found=$(log-shipper version)
[ "$found" = "log-shipper $version" ] || die "'log-shipper version' says '$found', not $version"
say "$found is installed in $home"
