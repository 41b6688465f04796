# What the examples share: a server of their own on a free port, accounts, a repository whose trunk is
# watched, and words for what happens. Everything lies in one temporary folder, which goes at the end.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TRUNKLINE=$(readlink -f "${TRUNKLINE:-$here/../../build/trunkline}")
work=$(mktemp -d)
export TRUNKLINE_DATA=$work/data AWS_PAGER="" GIT_CONFIG_GLOBAL=/dev/null
server=''

finish() {
    local status=$?
    [ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT

step() { printf '\n== %s\n' "$*"; }
fail() {
    printf 'example: %s\n' "$*" >&2
    exit 1
}
tl() { "$TRUNKLINE" "$@"; }
g() { git -C "$work/shop" -c user.name='Ada Lovelace' -c user.email=ada@example.org -c commit.gpgsign=false "$@"; }

until_true() { # until_true WHAT COMMAND...: at most two minutes
    local what=$1 i
    shift
    for ((i = 0; i < 1200; i++)); do
        ! "$@" >/dev/null 2>&1 || return 0
        read -rt 0.1 <> <(:) || true
    done
    fail "this did not happen: $what"
}

begin() { # begin <release.yml: server, accounts, an empty trunk
    step "A server of our own"
    "$TRUNKLINE" image build --if-missing
    "$TRUNKLINE" serve --listen 127.0.0.1:0 </dev/null >"$work/serve.log" 2>&1 &
    server=$!
    until_true "the server is ready" grep -q '^trunkline: ready' "$work/serve.log"
    tl account setup "$here/accounts.yml" >/dev/null
    git init -q --bare --initial-branch=main "$work/shop.git"
    git clone -q "$work/shop.git" "$work/shop" 2>/dev/null
    g checkout -q -B main
    { cat; } >"$work/shop/release.yml"
}

commit() { # commit MESSAGE: pushes what lies in the working tree
    g add -A
    g commit -q --allow-empty -m "$1"
    g push -q origin main
    printf '   commit  %.7s  %s\n' "$(g rev-parse HEAD)" "$1"
}

apply() {
    step "The release"
    (cd "$work/shop" && "$TRUNKLINE" apply)
}

ids() { tl history --json | jq -r '.executions[].id'; }
count() { ids | wc -l; }
newest() { ids | head -n 1; }
status_of() { tl history --json | jq -r --arg id "$1" '.executions[] | select(.id == $id) | .status'; }
is() { [ "$(status_of "$1")" = "$2" ]; }
becomes() { # becomes ID STATUS
    until_true "release ${1:0:8} is $2" is "$1" "$2"
    printf '   release %.8s  %s\n' "$1" "$2"
}
in_front() { # in_front ID STAGE: it waits there
    until_true "release ${1:0:8} waits in front of $2" bash -c '"$0" status --json |
        jq -e --arg id "$1" --arg stage "$2" ".pipelines[0].stages[] | select(.name == \$stage) | .inbound[] |
        select(.execution == \$id)"' "$TRUNKLINE" "$1" "$2"
    printf '   release %.8s  waits in front of %s\n' "$1" "$2"
}
asks() { # asks ID STAGE: a person is asked there
    until_true "release ${1:0:8} waits for a person in $2" bash -c '"$0" status --json |
        jq -e --arg id "$1" --arg stage "$2" ".pipelines[0].stages[] |
        select(.name == \$stage and .execution == \$id and (.why | test(\"waits for a person\")))"' "$TRUNKLINE" "$1" "$2"
    printf '   release %.8s  waits for a person in %s\n' "$1" "$2"
}
next() { # next N: the id of the newest release, once there are N
    until_true "$1 releases" bash -c '[ "$("$0" history --json | jq ".executions | length")" -ge "$1" ]' "$TRUNKLINE" "$1"
    newest
}

# The aws command line as an account's principal; it may be older than AWS_ENDPOINT_URL.
cli() { # cli ACCOUNT SERVICE ...
    local account=$1
    shift
    (eval "$(tl env "$account")" && aws --endpoint-url "$AWS_ENDPOINT_URL" "$@")
}
