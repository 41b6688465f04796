# What the scripts of this folder share: messages, checks, verified downloads.
# It is sourced and changes no shell option; the sourcing script sets its own.
# shellcheck shell=bash

say() {
    printf '%s: %s\n' "${script:-${0##*/}}" "$*"
}

die() {
    say "$*" >&2
    exit 1
}

# need NAME...: ends the script unless each variable has a value.
need() {
    local name
    for name in "$@"; do
        [ -n "${!name:-}" ] || die "variable $name is empty; the buildspec's env section sets it"
    done
}

# fetch_release BASE FILE SUMS DIR: puts BASE/FILE into DIR, but only when the line for FILE in
# BASE/SUMS has its digest. Nothing is left in DIR under that name otherwise.
fetch_release() {
    local base=$1 file=$2 sums=$3 dir=$4 line
    say "downloading $base/$file"
    curl --fail --fail-early --silent --show-error --location --retry 3 --connect-timeout 20 \
        --output "$dir/$file.part" "$base/$file" --output "$dir/$sums" "$base/$sums" ||
        die "cannot download $base/$file and $sums (curl ended with $?)"
    line=$(awk -v file="$file" '$2 == file || $2 == "*" file' "$dir/$sums")
    [ -n "$line" ] || die "$sums has no line for $file"
    printf '%s  %s\n' "${line%% *}" "$dir/$file.part" | sha256sum --check --status ||
        die "$file does not have the digest that $sums gives (${line%% *})"
    mv "$dir/$file.part" "$dir/$file"
    say "$file has the digest ${line%% *}"
}
