#!/bin/bash
# Step 3: installs the Terraform version that the parameter names, from scratch.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh
need TERRAFORM_VERSION

case $(uname -m) in
x86_64) arch=amd64 ;;
aarch64) arch=arm64 ;;
*) die "Terraform has no build for $(uname -m)" ;;
esac
version=$TERRAFORM_VERSION
bin=${INSTALL_DIR:-/usr/local/bin}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fetch_release "https://releases.hashicorp.com/terraform/$version" \
    "terraform_${version}_linux_$arch.zip" "terraform_${version}_SHA256SUMS" "$work"
mkdir -p "$bin"
unzip -q -o "$work/terraform_${version}_linux_$arch.zip" terraform -d "$bin"

# The version is read from the binary that later commands will find, not from the one just written.
found=$(terraform version -json | jq -r .terraform_version)
[ "$found" = "$version" ] ||
    die "$(command -v terraform) is version $found, not $version; is $bin first in PATH?"
say "terraform $found is installed in $bin"
