#!/bin/bash
# Builds the shipper's release as its vendor would publish it: OUTDIR/log-shipper-VERSION.tar.gz and
# OUTDIR/SHA256SUMS. The same sources give the same bytes. Usage: release.sh OUTDIR
set -euo pipefail

[ $# -eq 1 ] || {
    echo "usage: release.sh OUTDIR" >&2
    exit 2
}
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")"
version=$(sed -n 's/^VERSION = "\([0-9.]*\)"$/\1/p' log_shipper/__init__.py)
[ -n "$version" ] || {
    echo "release.sh: no VERSION in log_shipper/__init__.py" >&2
    exit 1
}
name=log-shipper-$version

tar --create --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner \
    --mode=u=rwX,go=rX --transform "s,^,$name/," --exclude='__pycache__' \
    log-shipper log_shipper README.md | gzip -n -9 >"$out/$name.tar.gz"
cd "$out"
sha256sum "$name.tar.gz" >SHA256SUMS
cat SHA256SUMS
